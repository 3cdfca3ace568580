package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
)

const spanLease = "bgtransform.lease"

// The events of a lease after which it is held, or no longer.
const (
	leaseAcquired      = "acquired"
	leaseLost          = "lost"
	leaseReleased      = "released"
	leaseReleaseFailed = "release_failed"
)

// LeaseChanged counts the event, follows whether the lease is held, and makes the span
// of a lease that ends.
func (o *Observer) LeaseChanged(ctx context.Context, info bgtransform.LeaseInfo) {
	attrs := []attribute.KeyValue{keyEvent.String(info.Event)}
	if info.Err != nil {
		attrs = append(attrs, errorType(info.Err))
	}
	o.instruments.leaseEvents.Add(ctx, 1, measured(info.Transform, attrs...))
	d, ended := o.leases.change(info.Transform, info.Event)
	if d != 0 {
		o.instruments.leaseHeld.Add(ctx, d, o.sets.get(info.Transform).transform)
	}
	if ended.id.Transform != "" {
		o.leaseSpan(ctx, ended, info)
	}
}

// leaseSpan makes the span of a lease, now that it has ended, back to when it was
// taken: so it shows for how long, and none is held open.
func (o *Observer) leaseSpan(ctx context.Context, h holding, info bgtransform.LeaseInfo) {
	_, span := o.tracer.Start(ctx, spanLease, trace.WithNewRoot(), trace.WithTimestamp(h.since),
		trace.WithAttributes(append(runAttributes(h.id), keyEvent.String(info.Event))...),
		trace.WithLinks(linksTo(h.run.anchor, h.run.attempt)...))
	defer span.End()
	if info.Event == leaseReleased && info.Err == nil {
		return
	}
	// The text of the error may name an instance or quote a server; its class is enough.
	span.SetStatus(codes.Error, "lease "+info.Event)
	if info.Err != nil {
		span.SetAttributes(errorType(info.Err))
	} else {
		span.SetAttributes(semconv.ErrorTypeKey.String("lease_" + info.Event))
	}
}
