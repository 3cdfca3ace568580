package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The events of a lease after which it is held, or no longer.
const (
	leaseAcquired      = "acquired"
	leaseLost          = "lost"
	leaseReleased      = "released"
	leaseReleaseFailed = "release_failed"
)

// LeaseChanged counts the event and follows whether the lease is held.
func (o *Observer) LeaseChanged(ctx context.Context, info bgtransform.LeaseInfo) {
	attrs := []attribute.KeyValue{keyEvent.String(info.Event)}
	if info.Err != nil {
		attrs = append(attrs, errorType(info.Err))
	}
	o.instruments.leaseEvents.Add(ctx, 1, measured(info.Transform, attrs...))
	if d := o.leases.change(info.Transform, info.Event); d != 0 {
		o.instruments.leaseHeld.Add(ctx, d, o.sets.get(info.Transform).transform)
	}
}

// heldLeases are the transforms whose lease this instance holds. It makes the
// up-down counter proof against an event that comes twice, such as lost and then
// released. The zero value is ready to use.
type heldLeases struct {
	mu          sync.Mutex
	byTransform map[string]bool
}

// change applies event and returns by how much the number of held leases grew.
func (h *heldLeases) change(transform, event string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	held := h.byTransform[transform]
	switch event {
	case leaseAcquired:
		if held {
			return 0
		}
		if h.byTransform == nil {
			h.byTransform = make(map[string]bool)
		}
		h.byTransform[transform] = true
		return 1
	case leaseLost, leaseReleased, leaseReleaseFailed:
		delete(h.byTransform, transform)
		if held {
			return -1
		}
	}
	return 0
}
