package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
)

// slowBatch is from when on a batch has a span whatever the number of others.
const slowBatch = time.Second

// longestEvery bounds the time between two spans, which is else too long to say.
const longestEvery = 365 * 24 * time.Hour

// spanRate leaves out spans of batches that come fast upon each other.
type spanRate struct {
	every time.Duration // from the start of one to the next; below 0: none at all
}

func spanRateOf(perSecond float64) spanRate {
	if !(perSecond > 0) { // NaN too
		return spanRate{every: -1}
	}
	return spanRate{every: time.Duration(min(float64(time.Second)/perSecond, float64(longestEvery)))}
}

// keeps reports whether a batch has a span from its start.
func (s spanRate) keeps(r run, before wait, now time.Time) bool {
	if !before.usual(now) {
		return true
	}
	return s.every >= 0 && (r.last == nil || r.last.turn(now, s.every))
}

// turn reports whether it is time for a span, and if so, sets when the next one is due.
func (l *lastBatch) turn(now time.Time, every time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.due) {
		return false
	}
	l.due = now.Add(every)
	return true
}

// usual reports whether there was no wait, or one as there is between any two batches:
// for the pace, or for the health of the database, and short.
func (w wait) usual(now time.Time) bool {
	switch {
	case w == wait{}:
		return true
	case now.Sub(w.began) >= slowBatch:
		return false
	default:
		return w.reason == bgtransform.ReasonThrottle || w.reason == bgtransform.ReasonHealth
	}
}

// telling reports whether a batch is worth a span that had none: one that did something
// else than those before it.
func telling(outcome string, took time.Duration, info *bgtransform.BatchEndInfo) bool {
	return outcome != outcomeCommitted || took >= slowBatch || info.Quarantined > 0 || info.Mismatched > 0
}

// withoutSpan returns the context of a batch that has no span: what is logged in it
// belongs to the attempt's trace, and samplers that ask the parent leave out what is
// begun in it.
func withoutSpan(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, runFrom(ctx).attempt.WithTraceFlags(0))
}
