package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
)

// lasting runs one batch that takes a while.
func (h *harness) lasting(ctx context.Context, n int64, d time.Duration, err error) {
	info := batchStart(n)
	ctx = h.BatchStart(ctx, info)
	<-time.After(d)
	usual := result()
	usual.Quarantined = 0
	h.BatchEnd(ctx, bgtransform.BatchEndInfo{BatchStartInfo: info, BatchResult: usual, Err: err})
}

// ending runs one batch that takes no time.
func (h *harness) ending(ctx context.Context, info bgtransform.BatchEndInfo) {
	h.BatchEnd(h.BatchStart(ctx, info.BatchStartInfo), info)
}

// numbers returns which batches have a span.
func (h *harness) numbers() []int64 {
	var out []int64
	for _, s := range h.named("bgtransform.batch") {
		out = append(out, attributes(s)["bgtransform.batch"].(int64))
	}
	return out
}

// Of hundreds of equal batches a second few have a span, each linked to the last that
// has one; all of them are counted.
func TestBatchSpansAreBounded(t *testing.T) {
	t.Parallel()
	for perSecond, want := range map[float64]int{
		10: 30, 0.5: 2, math.Inf(1): 300, 1e300: 300, 1e-300: 1, 0: 0, -1: 0, math.NaN(): 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newThinHarness(perSecond)
			ctx, _ := h.begin(t.Context())
			for n := range int64(300) {
				h.lasting(ctx, n+1, 10*time.Millisecond, nil)
			}
			spans := h.named("bgtransform.batch")
			if len(spans) != want {
				t.Errorf("%v a second: %d spans in 3 s, want %d", perSecond, len(spans), want)
			}
			for i := 1; i < len(spans); i++ {
				links := spans[i].Links()
				if got := links[len(links)-1].SpanContext.SpanID(); got != spans[i-1].SpanContext().SpanID() {
					t.Fatalf("%v a second: span %d is not linked to the one before it", perSecond, i)
				}
			}
			if got := h.series(t, "bgtransform.batch.duration"); len(got) != 1 {
				t.Errorf("%v a second: durations are %v", perSecond, got)
			}
			for _, keys := range h.series(t, "bgtransform.keys") {
				if keys != 300*1000 {
					t.Errorf("%v a second: %v keys are counted, want 300000", perSecond, keys)
				}
			}
		})
	}
}

// What an operator would look for is never left out.
func TestBatchesThatTellSomethingHaveASpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newThinHarness(0)
		ctx, _ := h.begin(t.Context())
		h.lasting(ctx, 1, time.Millisecond, nil)
		h.lasting(ctx, 2, 30*time.Millisecond, errors.New("refused"))
		h.lasting(ctx, 3, time.Second, nil)
		h.lasting(ctx, 4, 999*time.Millisecond, nil)
		for _, code := range []bgtransform.ReasonCode{bgtransform.ReasonThrottle, bgtransform.ReasonHealth} {
			h.Waiting(ctx, bgtransform.WaitInfo{Transform: transform, Reason: bgtransform.Reason{Code: code}, For: time.Second})
			<-time.After(20 * time.Millisecond)
			h.lasting(ctx, 5, time.Millisecond, nil)
		}
		h.Waiting(ctx, bgtransform.WaitInfo{Transform: transform, Reason: bgtransform.Reason{Code: bgtransform.ReasonWindow}, For: time.Second})
		<-time.After(time.Second)
		h.lasting(ctx, 6, time.Millisecond, nil)
		h.Waiting(ctx, bgtransform.WaitInfo{Transform: transform, Reason: bgtransform.Reason{Code: bgtransform.ReasonHealth}, For: time.Second})
		<-time.After(time.Second)
		h.lasting(ctx, 7, time.Millisecond, nil)
		h.ending(ctx, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(8), BatchResult: bgtransform.BatchResult{DryRun: true}})
		h.ending(ctx, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(9), BatchResult: bgtransform.BatchResult{Quarantined: 1}})
		h.ending(ctx, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(10), BatchResult: bgtransform.BatchResult{Mismatched: 1}})
		h.ending(ctx, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(11), Err: context.Canceled}) // not by us
		gone, stop := context.WithCancelCause(ctx)
		stop(bgtransform.ErrWindowClosed)
		h.ending(gone, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(12), Err: bgtransform.ErrWindowClosed})
		if diff := cmp.Diff([]int64{2, 3, 6, 7, 8, 9, 10, 11, 12}, h.numbers()); diff != "" {
			t.Fatalf("batches with a span (-want +got):\n%s", diff)
		}
		spans := h.named("bgtransform.batch")
		failed, waited := spans[0], spans[2]
		if failed.Status().Code != codes.Error || attributes(failed)["bgtransform.outcome"] != "failed" {
			t.Errorf("the batch that failed has status %v and attributes %v", failed.Status(), attributes(failed))
		}
		if took := failed.EndTime().Sub(failed.StartTime()); took != 30*time.Millisecond {
			t.Errorf("the batch that failed took %v in its span, want 30ms", took)
		}
		if a := attributes(waited); a["bgtransform.wait.reason"] != "window" || a["bgtransform.wait.seconds"] != 1.0 {
			t.Errorf("the batch after the wait has attributes %v", a)
		}
		if got := spans[1].Links(); len(got) != 2 || got[1].SpanContext.SpanID() != failed.SpanContext().SpanID() {
			t.Errorf("the slow batch has links %v, want the run and the batch that failed", got)
		}
	})
}

// Spans of the application beneath a batch that has none would else be traces of
// their own, hundreds a second. A sampler that asks nobody puts them into the trace of the
// attempt, which is there.
func TestBeneathABatchWithoutASpan(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sampler sdktrace.Sampler
		kept    bool
	}{
		"the default":            {sdktrace.ParentBased(sdktrace.AlwaysSample()), false},
		"a ratio":                {sdktrace.ParentBased(sdktrace.TraceIDRatioBased(1)), false},
		"one that asks nobody":   {sdktrace.AlwaysSample(), true},
		"a ratio that does not":  {sdktrace.TraceIDRatioBased(1), true},
		"one that keeps nothing": {sdktrace.NeverSample(), false},
	} {
		h := newThinHarness(0, sdktrace.WithSampler(tt.sampler))
		ctx, _ := h.begin(t.Context())
		batch := h.BatchStart(ctx, batchStart(1))
		_, span := h.tracers.Tracer("app").Start(batch, "query")
		span.End()
		h.BatchEnd(batch, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(1)})
		got := h.named("query")
		if (len(got) == 1) != tt.kept {
			t.Errorf("%s: %d spans beneath a batch without one", name, len(got))
		}
		if tt.kept {
			if attempt := h.only(t, "bgtransform.attempt"); got[0].Parent().SpanID() != attempt.SpanContext().SpanID() {
				t.Errorf("%s: the parent is %v, want the attempt", name, got[0].Parent())
			}
		}
	}
}

// What is logged in a batch without a span is found in the trace of its attempt.
func TestLogsOfABatchWithoutASpan(t *testing.T) {
	t.Parallel()
	h := newThinHarness(0)
	ctx, _ := h.begin(t.Context())
	var out strings.Builder
	logger := slog.New(telemetry.LogHandler(slog.NewTextHandler(&out, nil)))
	logger.InfoContext(h.BatchStart(ctx, batchStart(1)), "within")
	attempt := h.only(t, "bgtransform.attempt").SpanContext()
	if want := "trace_id=" + attempt.TraceID().String() + " span_id=" + attempt.SpanID().String(); !strings.Contains(out.String(), want) {
		t.Errorf("logged %s, want %s", out.String(), want)
	}
}

// Where nobody makes spans, nothing is invented.
func TestBatchWithoutAnyTracing(t *testing.T) {
	t.Parallel()
	o := telemetry.New(telemetry.WithTracerProvider(noop.NewTracerProvider()), telemetry.WithBatchSpans(0))
	ctx, _ := o.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(7)})
	ctx = o.BatchStart(ctx, batchStart(1))
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		t.Errorf("the context of a batch has span %v", sc)
	}
	o.BatchEnd(ctx, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(1), Err: errors.New("refused")})
}
