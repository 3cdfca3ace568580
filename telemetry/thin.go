package telemetry

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// slowBatch is from when on a batch has a span whatever the number of others.
const slowBatch = time.Second

// longestEvery bounds the time between two spans, which is else too long to say.
const longestEvery = 365 * 24 * time.Hour

// thinner leaves out spans of batches that come fast upon each other.
type thinner struct {
	every time.Duration // from the start of one to the next; below 0: none at all
}

func thinnerOf(perSecond float64) thinner {
	if !(perSecond > 0) { // NaN too
		return thinner{every: -1}
	}
	return thinner{every: time.Duration(min(float64(time.Second)/perSecond, float64(longestEvery)))}
}

// keeps reports whether a batch has a span from its start.
func (t thinner) keeps(r run, before wait, now time.Time) bool {
	if !before.paced() {
		return true
	}
	return t.every >= 0 && (r.last == nil || r.last.turn(now, t.every))
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

// withoutSpan returns a context whose spans are left out by samplers that ask the
// parent. It is left as it is where nobody makes spans.
func withoutSpan(ctx context.Context) context.Context {
	if !runFrom(ctx).attempt.IsValid() {
		return ctx
	}
	var trc trace.TraceID
	var span trace.SpanID
	binary.NativeEndian.PutUint64(trc[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(trc[8:], rand.Uint64()|1) // not all of it is 0
	binary.NativeEndian.PutUint64(span[:], rand.Uint64()|1)
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trc, SpanID: span}))
}
