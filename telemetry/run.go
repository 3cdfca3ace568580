package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The names of the spans of a run.
const (
	spanRun        = "bgtransform.run"
	spanAttempt    = "bgtransform.attempt"
	spanAttemptEnd = "bgtransform.attempt.end"
)

// run is what the context of an attempt carries.
type run struct {
	anchor  trace.SpanContext // what all spans of the run are linked to
	attempt trace.SpanContext
	last    *lastBatch
}

type runKey struct{}

// lastBatch is the newest batch of an attempt whose span is kept, as a link to one that
// the sampler has left out leads nowhere, and when the next is to have one. A nil one
// has none.
type lastBatch struct {
	mu   sync.Mutex
	span trace.SpanContext
	due  time.Time // when the next batch is to have a span
}

func (l *lastBatch) put(sc trace.SpanContext) {
	if l == nil || !sc.IsSampled() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.span = sc
}

func (l *lastBatch) get() trace.SpanContext {
	if l == nil {
		return trace.SpanContext{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.span
}

// runFrom returns the run whose attempt ctx belongs to, or an empty one.
func runFrom(ctx context.Context) run {
	r, _ := ctx.Value(runKey{}).(run)
	return r
}

// RunStart records the start of an attempt and, if it is the run's first, of the
// run. The link that it returns is the traceparent of the run's span, or of the
// attempt's where the run has none. A link that cannot be read is ignored.
//
// The context that it returns carries no span, so that what happens between
// batches does not grow the trace of whatever started the scheduler.
func (o *Observer) RunStart(ctx context.Context, info bgtransform.RunStartInfo) (context.Context, string) {
	ctx = trace.ContextWithSpan(ctx, nil)
	o.instruments.attempts.Add(ctx, 1, o.sets.get(info.Transform).transform)

	r := run{anchor: parseLink(info.Link), last: new(lastBatch)}
	if info.First {
		r.anchor = o.instant(ctx, spanRun, append(runAttributes(info.RunID), modeOf(info.Mode)), nil)
	}
	attrs := append(runAttributes(info.RunID), modeOf(info.Mode), keyInstance.String(info.Instance))
	attrs = append(attrs, o.waits.take(info.Transform).attributes()...)
	r.attempt = o.instant(ctx, spanAttempt, attrs, nil, r.anchor)
	if !r.anchor.IsValid() {
		r.anchor = r.attempt
	}
	o.leases.began(info.RunID, r)
	return context.WithValue(ctx, runKey{}, r), formatLink(r.anchor)
}

// RunEnd records how an attempt left its transform.
func (o *Observer) RunEnd(ctx context.Context, info bgtransform.RunEndInfo) {
	o.progress.drop(info.Transform)
	state, reason := keyState.String(string(info.State)), keyReason.String(string(info.Reason.Code))
	o.instruments.attemptEnds.Add(ctx, 1, measured(info.Transform, state, reason))

	r := runFrom(ctx)
	attrs := append(runAttributes(info.RunID), state, reason)
	o.instant(ctx, spanAttemptEnd, attrs, info.Err, r.anchor, r.attempt)
}

// instant makes a root span that ends at once, linked to links.
func (o *Observer) instant(ctx context.Context, name string, attrs []attribute.KeyValue, err error, links ...trace.SpanContext) trace.SpanContext {
	_, span := o.tracer.Start(ctx, name, trace.WithNewRoot(),
		trace.WithAttributes(attrs...), trace.WithLinks(linksTo(links...)...))
	setError(span, err)
	span.End()
	return span.SpanContext()
}

// linksTo returns a link to each valid and different span.
func linksTo(targets ...trace.SpanContext) []trace.Link {
	links := make([]trace.Link, 0, len(targets))
	for i, sc := range targets {
		if !sc.IsValid() || i > 0 && sc.SpanID() == targets[0].SpanID() {
			continue
		}
		links = append(links, trace.Link{SpanContext: sc})
	}
	return links
}
