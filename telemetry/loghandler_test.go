package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/telemetry"
)

// logged returns what a record becomes after wrap is done to its logger.
func logged(t *testing.T, ctx context.Context, wrap func(*slog.Logger) *slog.Logger) map[string]any {
	t.Helper()
	var buf bytes.Buffer
	logger := wrap(slog.New(telemetry.LogHandler(slog.NewJSONHandler(&buf, nil))))
	logger.InfoContext(ctx, "hello", "rows", 3)
	return decode(t, buf.Bytes())
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "time")
	delete(m, "level")
	delete(m, "msg")
	return m
}

func spanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
}

func TestLogHandler(t *testing.T) {
	t.Parallel()
	const traceID, spanID = "01000000000000000000000000000000", "0200000000000000"
	type m = map[string]any
	tests := map[string]struct {
		wrap func(*slog.Logger) *slog.Logger
		want m
	}{
		"at the top": {
			func(l *slog.Logger) *slog.Logger { return l },
			m{"trace_id": traceID, "span_id": spanID, "rows": 3.0},
		},
		"beside attributes": {
			func(l *slog.Logger) *slog.Logger { return l.With("a", "b") },
			m{"trace_id": traceID, "span_id": spanID, "a": "b", "rows": 3.0},
		},
		"outside of groups": {
			func(l *slog.Logger) *slog.Logger { return l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h") },
			m{"trace_id": traceID, "span_id": spanID, "a": 1.0, "g": m{"b": 2.0, "h": m{"rows": 3.0}}},
		},
		"whatever is empty": {
			func(l *slog.Logger) *slog.Logger { return l.WithGroup("").With() },
			m{"trace_id": traceID, "span_id": spanID, "rows": 3.0},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := trace.ContextWithSpanContext(t.Context(), spanContext())
			if diff := cmp.Diff(tt.want, logged(t, ctx, tt.wrap)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			delete(tt.want, "trace_id")
			delete(tt.want, "span_id")
			if diff := cmp.Diff(tt.want, logged(t, t.Context(), tt.wrap)); diff != "" {
				t.Errorf("without a span (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogHandlerBranchesAreIndependent(t *testing.T) {
	t.Parallel()
	ctx := trace.ContextWithSpanContext(t.Context(), spanContext())
	var buf bytes.Buffer
	base := slog.New(telemetry.LogHandler(slog.NewJSONHandler(&buf, nil))).WithGroup("g").With("a", 1).With("c", 3)
	one, two := base.With("b", 1), base.With("b", 2)
	for want, l := range map[float64]*slog.Logger{1: one, 2: two} {
		buf.Reset()
		l.InfoContext(ctx, "hello")
		if got := decode(t, buf.Bytes())["g"].(map[string]any)["b"]; got != want {
			t.Errorf("got b=%v, want %v", got, want)
		}
	}
}

func TestLogHandlerInBatchAndBetween(t *testing.T) {
	t.Parallel()
	h := newHarness()
	plain := func(l *slog.Logger) *slog.Logger { return l }
	attemptCtx, _ := h.begin(t.Context())
	batchCtx := h.BatchStart(attemptCtx, batchStart(1))

	attempt := h.only(t, "bgtransform.attempt").SpanContext()
	if got := logged(t, attemptCtx, plain)["trace_id"]; got != attempt.TraceID().String() {
		t.Errorf("between batches: got trace %v, want the attempt's", got)
	}
	batch := trace.SpanContextFromContext(batchCtx)
	if got := logged(t, batchCtx, plain)["trace_id"]; got != batch.TraceID().String() {
		t.Errorf("in a batch: got trace %v, want the batch's", got)
	}
}

func TestLogHandlerNil(t *testing.T) {
	t.Parallel()
	if telemetry.LogHandler(nil).Enabled(t.Context(), slog.LevelError) {
		t.Error("a nil handler is enabled, want it to discard")
	}
}

func TestLogHandlerConforms(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	err := slogtest.TestHandler(telemetry.LogHandler(slog.NewJSONHandler(&buf, nil)), func() []map[string]any {
		var records []map[string]any
		for line := range bytes.Lines(buf.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatal(err)
			}
			records = append(records, m)
		}
		return records
	})
	if err != nil {
		t.Error(err)
	}
}
