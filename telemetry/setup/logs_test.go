package setup_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
	"github.com/bgtransform/sidecar/telemetry/setup"
)

// records is a processor that keeps what is logged.
type records struct{ all []sdklog.Record }

func (r *records) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (r *records) Shutdown(context.Context) error                         { return nil }
func (r *records) ForceFlush(context.Context) error                       { return nil }

func (r *records) OnEmit(_ context.Context, record *sdklog.Record) error {
	r.all = append(r.all, record.Clone())
	return nil
}

func newRecords(next slog.Handler) (*records, slog.Handler) {
	r := new(records)
	return r, setup.NewLogHandler(next, sdklog.NewLoggerProvider(sdklog.WithProcessor(r)))
}

// plain returns the attributes of a record as slog's JSON handler would nest them.
func plain(r sdklog.Record) map[string]any {
	m := map[string]any{}
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		m[string(kv.Key)] = plainValue(kv.Value)
		return true
	})
	return m
}

func plainValue(v attribute.Value) any {
	if v.Type() != attribute.MAP {
		return v.AsInterface()
	}
	m := map[string]any{}
	for _, kv := range v.AsMap() {
		m[string(kv.Key)] = plainValue(kv.Value)
	}
	return m
}

func TestLogRecords(t *testing.T) {
	t.Parallel()
	var own bytes.Buffer
	exported, handler := newRecords(slog.NewTextHandler(&own, nil))
	logger := slog.New(handler).With("transform", "track-length-ms").WithGroup("batch").With("pass", 2)
	logger.Debug("not worth it")
	logger.Warn("refused", "took", time.Second, "rows", uint64(7), "share", .5, "late", true,
		"error", errors.New("no such column"), slog.Group("empty"), slog.Group("range", "keys", 10))

	if len(exported.all) != 1 || !strings.Contains(own.String(), "msg=refused") || strings.Contains(own.String(), "not worth it") {
		t.Fatalf("got %d records, and %q; want one of each", len(exported.all), own.String())
	}
	r := exported.all[0]
	if r.SeverityText() != "WARN" || r.Severity().String() != "WARN" || r.Body().AsString() != "refused" || r.Timestamp().IsZero() {
		t.Errorf("got %s %s %q at %s", r.SeverityText(), r.Severity(), r.Body().AsString(), r.Timestamp())
	}
	want := map[string]any{"transform": "track-length-ms", "batch": map[string]any{
		"pass": int64(2), "took": "1s", "rows": int64(7), "share": .5, "late": true, "error": "no such column",
		"range": map[string]any{"keys": int64(10)},
	}}
	if diff := cmp.Diff(want, plain(r)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

// TestLogHandlerIsAHandler runs the tests that slog has for handlers.
func TestLogHandlerIsAHandler(t *testing.T) {
	t.Parallel()
	exported, handler := newRecords(slog.NewTextHandler(new(bytes.Buffer), nil))
	err := slogtest.TestHandler(handler, func() []map[string]any {
		var got []map[string]any
		for _, r := range exported.all {
			m := plain(r)
			m[slog.MessageKey], m[slog.LevelKey] = r.Body().AsString(), r.SeverityText()
			if !r.Timestamp().IsZero() {
				m[slog.TimeKey] = r.Timestamp()
			}
			got = append(got, m)
		}
		return got
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLogsCarryTheTrace(t *testing.T) {
	t.Parallel()
	exported, handler := newRecords(slog.NewTextHandler(new(bytes.Buffer), nil))
	logger, o := slog.New(handler), telemetry.New(telemetry.WithTracerProvider(sdktrace.NewTracerProvider()))
	id := bgtransform.RunID{Transform: "x", Run: 1, Attempt: 1}

	attempt, _ := o.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: id})
	logger.InfoContext(attempt, "between batches")
	batch := o.BatchStart(attempt, bgtransform.BatchStartInfo{RunID: id})
	logger.InfoContext(batch, "in a batch")
	logger.InfoContext(t.Context(), "elsewhere")

	var got []string
	for _, r := range exported.all {
		got = append(got, r.TraceID().String()+" "+r.SpanID().String())
	}
	var want []string
	for _, ctx := range []context.Context{attempt, batch, t.Context()} {
		sc := telemetry.SpanContext(ctx)
		want = append(want, sc.TraceID().String()+" "+sc.SpanID().String())
	}
	if diff := cmp.Diff(want, got); diff != "" || len(slices.Compact(want)) != 3 {
		t.Errorf("spans of the records (-want +got):\n%s", diff)
	}
}

func TestLogsAreExported(t *testing.T) {
	c := newCollector(t)
	environ(t, map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": c.URL + "/v1/logs"})
	p, err := setup.FromEnv(t.Context(), setup.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Exporting() {
		t.Error("logs are exported, and Exporting says that nothing is")
	}
	slog.New(p.LogHandler(slog.NewTextHandler(t.Output(), nil))).InfoContext(t.Context(), "hello")
	p.Shutdown(t.Context())
	if got := c.requests(); !slices.Equal(got, []string{"/v1/logs"}) {
		t.Errorf("got requests %v, want one with logs", got)
	}
}

func TestLogsAreNotSentToAnEndpointForAll(t *testing.T) {
	c := newCollector(t)
	environ(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	p, err := setup.FromEnv(t.Context(), setup.Config{})
	if err != nil {
		t.Fatal(err)
	}
	next := slog.Handler(&slog.TextHandler{})
	if got := p.LogHandler(next); got != next {
		t.Errorf("got handler %T, want the one given", got)
	}
	if got := p.LogHandler(nil); got != slog.DiscardHandler {
		t.Errorf("got handler %T for none, want one that discards", got)
	}
	p.Shutdown(t.Context())
}
