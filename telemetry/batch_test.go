package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func result() bgtransform.BatchResult {
	return bgtransform.BatchResult{
		Keys: 1000, Found: 900, Changed: 890, Moved: 7, Quarantined: 3,
		Read: 250 * time.Millisecond, Write: 500 * time.Millisecond,
		Remaining: 41000, RowsPerSec: 1200.5,
	}
}

func TestBatchSpan(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, _ := h.begin(t.Context())
	h.batch(ctx, 41, result(), nil)

	want := map[string]any{
		"bgtransform.transform": transform, "bgtransform.run": int64(3), "bgtransform.attempt": int64(7),
		"bgtransform.mode": "transform", "bgtransform.pass": int64(2), "bgtransform.batch": int64(41), "bgtransform.limit": int64(1000),
		"bgtransform.keys": int64(1000), "bgtransform.found": int64(900), "bgtransform.changed": int64(890),
		"bgtransform.moved": int64(7), "bgtransform.quarantined": int64(3),
		"bgtransform.read_seconds": .25, "bgtransform.write_seconds": .5,
		"bgtransform.outcome": "committed", "db.operation.batch.size": int64(890),
	}
	span := h.only(t, "bgtransform.batch")
	if diff := cmp.Diff(want, attributes(span)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sdktrace.Status{}, span.Status()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestBatchIsATraceOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHarness()
	boot, span := h.tracers.Tracer("app").Start(t.Context(), "boot")
	defer span.End()
	ctx, _ := h.begin(boot)
	for n := range int64(3) {
		h.batch(ctx, n+1, result(), nil)
	}

	run := h.only(t, "bgtransform.run")
	traces := map[trace.TraceID]bool{
		span.SpanContext().TraceID(): true, run.SpanContext().TraceID(): true,
		h.only(t, "bgtransform.attempt").SpanContext().TraceID(): true,
	}
	want := []string{id(run)}
	for _, b := range h.named("bgtransform.batch") {
		if traces[b.SpanContext().TraceID()] {
			t.Error("two spans share a trace")
		}
		traces[b.SpanContext().TraceID()] = true
		if b.Parent().IsValid() {
			t.Error("a batch has a parent")
		}
		if diff := cmp.Diff(want, linked(b)); diff != "" {
			t.Errorf("links to the run and the batch before (-want +got):\n%s", diff)
		}
		want = []string{id(run), id(b)}
	}
	if len(traces) != 6 {
		t.Errorf("got %d traces, want 6", len(traces))
	}
}

// A link to a span that was left out would lead nowhere.
func TestBatchIsLinkedToTheLastOneThatWasSampled(t *testing.T) {
	t.Parallel()
	h := newHarness(sdktrace.WithSampler(everyOther{new(atomic.Int64)}))
	ctx, _ := h.begin(t.Context()) // the run is sampled, the attempt is not
	for n := range int64(4) {
		h.batch(ctx, n+1, result(), nil)
	}
	run, batches := h.only(t, "bgtransform.run"), h.named("bgtransform.batch")
	if len(batches) != 2 {
		t.Fatalf("got %d sampled batches, want 2", len(batches))
	}
	if diff := cmp.Diff([]string{id(run), id(batches[0])}, linked(batches[1])); diff != "" {
		t.Errorf("links of the third batch (-want +got):\n%s", diff)
	}
}

// everyOther samples the first span, the third, and so on.
type everyOther struct{ n *atomic.Int64 }

func (s everyOther) ShouldSample(sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if s.n.Add(1)%2 == 0 {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (everyOther) Description() string { return "every other span" }

func TestSpansAreRootsWhateverTheContextCarries(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, _ := h.begin(t.Context())
	ctx, span := h.tracers.Tracer("app").Start(ctx, "long")
	defer span.End()
	h.batch(ctx, 1, result(), nil)
	h.RunEnd(ctx, bgtransform.RunEndInfo{RunID: runID(7)})
	for _, s := range h.spans.Ended() {
		if s.Parent().IsValid() {
			t.Errorf("%s has a parent", s.Name())
		}
	}
}

func TestBatchContextCarriesItsSpan(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, _ := h.begin(t.Context())
	ctx = h.BatchStart(ctx, batchStart(1))
	inner, query := h.tracers.Tracer("database").Start(ctx, "UPDATE")
	query.End()
	// The engine may hand back a context in which another span has begun.
	h.BatchEnd(inner, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(1)})

	batch := h.only(t, "bgtransform.batch")
	if got := h.only(t, "UPDATE").Parent().SpanID(); got != batch.SpanContext().SpanID() {
		t.Errorf("got parent %s of the query, want the batch %s", got, id(batch))
	}
}

func TestBatchEndWithoutStart(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, foreign := h.tracers.Tracer("app").Start(t.Context(), "foreign")
	h.BatchEnd(ctx, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(1), BatchResult: result()})
	if !foreign.IsRecording() {
		t.Error("ended the span of somebody else")
	}
	foreign.End()
	if diff := cmp.Diff(map[string]float64{key("", ""): 1000}, h.series(t, "bgtransform.keys")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestBatchOutcomes(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(lease.ErrLost)
	tests := map[string]struct {
		ctx           context.Context
		dryRun        bool
		err           error
		outcome, kind string
		status        codes.Code
	}{
		"no error is a commit":             {outcome: "committed"},
		"a dry run is none":                {dryRun: true, outcome: "dry_run"},
		"an error is a failure":            {err: errors.New("refused"), outcome: "failed", kind: "*errors.errorString", status: codes.Error},
		"a timeout is a failure":           {err: context.DeadlineExceeded, outcome: "failed", kind: "timeout", status: codes.Error},
		"an overrun is a failure":          {err: bgtransform.ErrOverran, outcome: "failed", kind: "overran", status: codes.Error},
		"a fence is a failure":             {err: fmt.Errorf("write: %w", bgtransform.ErrFenced), outcome: "failed", kind: "fenced", status: codes.Error},
		"cancellation is no failure":       {err: fmt.Errorf("write: %w", context.Canceled), outcome: "interrupted"},
		"a lost lease is no failure":       {err: lease.ErrLost, outcome: "interrupted"},
		"a shutdown is no failure":         {err: bgtransform.ErrStopped, outcome: "interrupted"},
		"nor is any error of a cancelling": {ctx: cancelled, err: errors.New("connection closed"), outcome: "interrupted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			h := newHarness()
			h.batch(ctx, 1, bgtransform.BatchResult{DryRun: tt.dryRun}, tt.err)

			span := h.only(t, "bgtransform.batch")
			if got := attributes(span)["bgtransform.outcome"]; got != tt.outcome {
				t.Errorf("got outcome %v, want %s", got, tt.outcome)
			}
			if got := span.Status().Code; got != tt.status {
				t.Errorf("got status %s, want %s", got, tt.status)
			}
			want := key("outcome", tt.outcome)
			if tt.kind != "" {
				want += ",error.type=" + tt.kind
			}
			if got := h.series(t, "bgtransform.batch.duration"); len(got) != 1 || got[want] <= 0 {
				t.Errorf("got durations %v, want one of %s", got, want)
			}
		})
	}
}

func TestBatchMetrics(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, _ := h.begin(t.Context())
	dry := result()
	dry.DryRun = true
	for n, r := range []bgtransform.BatchResult{result(), result(), dry} {
		h.batch(ctx, int64(n+1), r, nil)
	}
	h.batch(ctx, 4, bgtransform.BatchResult{}, errors.New("refused"))

	rows := map[string]float64{key("outcome", "changed"): 1780, key("outcome", "moved"): 14, key("outcome", "quarantined"): 6}
	if diff := cmp.Diff(rows, h.series(t, "bgtransform.rows")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, name := range []string{"bgtransform.keys", "bgtransform.batch.size"} {
		if diff := cmp.Diff(map[string]float64{key("", ""): 3000}, h.series(t, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBatchDurationHasExemplar(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.batch(t.Context(), 1, result(), nil)

	data := h.collect(t)["bgtransform.batch.duration"].Data.(metricdata.Histogram[float64])
	sc := h.only(t, "bgtransform.batch").SpanContext()
	want := sc.TraceID()
	exemplars := data.DataPoints[0].Exemplars
	if len(exemplars) != 1 || trace.TraceID(exemplars[0].TraceID) != want {
		t.Errorf("got exemplars %v, want one of trace %s", exemplars, want)
	}
}
