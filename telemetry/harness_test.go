package telemetry_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
)

const transform = "track-length-ms"

// harness is an observer whose spans and metrics stay in memory.
type harness struct {
	*telemetry.Observer

	tracers *sdktrace.TracerProvider
	spans   *tracetest.SpanRecorder
	reader  *sdkmetric.ManualReader
}

// newHarness returns one that makes a span for each batch.
func newHarness(opts ...sdktrace.TracerProviderOption) *harness {
	return newThinHarness(math.Inf(1), opts...)
}

// newThinHarness returns one that makes so many a second.
func newThinHarness(batchSpans float64, opts ...sdktrace.TracerProviderOption) *harness {
	h := &harness{spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	h.tracers = sdktrace.NewTracerProvider(append(opts, sdktrace.WithSpanProcessor(h.spans))...)
	h.Observer = telemetry.New(
		telemetry.WithTracerProvider(h.tracers),
		telemetry.WithBatchSpans(batchSpans),
		telemetry.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(h.reader))),
	)
	return h
}

func runID(attempt int64) bgtransform.RunID {
	return bgtransform.RunID{Transform: transform, Run: 3, Attempt: attempt}
}

func batchStart(n int64) bgtransform.BatchStartInfo {
	return bgtransform.BatchStartInfo{RunID: runID(7), Pass: 2, Batch: n, Limit: 1000}
}

// begin starts the first attempt of a run.
func (h *harness) begin(ctx context.Context) (context.Context, string) {
	return h.RunStart(ctx, bgtransform.RunStartInfo{RunID: runID(7), Instance: "web-1", First: true})
}

// batch runs one batch to its end.
func (h *harness) batch(ctx context.Context, n int64, r bgtransform.BatchResult, err error) {
	info := batchStart(n)
	ctx = h.BatchStart(ctx, info)
	h.BatchEnd(ctx, bgtransform.BatchEndInfo{BatchStartInfo: info, BatchResult: r, Err: err})
}

// named returns the ended spans of a name.
func (h *harness) named(name string) []sdktrace.ReadOnlySpan {
	var spans []sdktrace.ReadOnlySpan
	for _, s := range h.spans.Ended() {
		if s.Name() == name {
			spans = append(spans, s)
		}
	}
	return spans
}

// only returns the one ended span of a name.
func (h *harness) only(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	spans := h.named(name)
	if len(spans) != 1 {
		t.Fatalf("got %d spans %s, want 1", len(spans), name)
	}
	return spans[0]
}

// attributes returns the attributes of a span by name.
func attributes(s sdktrace.ReadOnlySpan) map[string]any {
	m := make(map[string]any)
	for _, kv := range s.Attributes() {
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

// collect returns the metrics of now by name.
func (h *harness) collect(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := h.reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]metricdata.Metrics)
	for _, scope := range rm.ScopeMetrics {
		if scope.Scope.Name != telemetry.ScopeName || scope.Scope.Version != telemetry.Version {
			t.Errorf("got scope %q %q", scope.Scope.Name, scope.Scope.Version)
		}
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

// series returns the values of a metric by its attributes; of a histogram, the
// sums. It is empty when nothing was recorded.
func (h *harness) series(t *testing.T, name string) map[string]float64 {
	t.Helper()
	return points(t, h.collect(t)[name])
}

// points returns the values of a metric by their attributes.
func points(t *testing.T, m metricdata.Metrics) map[string]float64 {
	t.Helper()
	got := make(map[string]float64)
	switch data := m.Data.(type) {
	case nil:
	case metricdata.Sum[int64]:
		addPoints(got, data.DataPoints)
	case metricdata.Gauge[int64]:
		addPoints(got, data.DataPoints)
	case metricdata.Gauge[float64]:
		addPoints(got, data.DataPoints)
	case metricdata.Histogram[int64]:
		addSums(got, data.DataPoints)
	case metricdata.Histogram[float64]:
		addSums(got, data.DataPoints)
	default:
		t.Fatalf("metric %s has data of type %T", m.Name, data)
	}
	return got
}

func addPoints[N int64 | float64](to map[string]float64, points []metricdata.DataPoint[N]) {
	for _, p := range points {
		to[encode(p.Attributes)] = float64(p.Value)
	}
}

func addSums[N int64 | float64](to map[string]float64, points []metricdata.HistogramDataPoint[N]) {
	for _, p := range points {
		to[encode(p.Attributes)] = float64(p.Sum)
	}
}

// encode spells attributes as they are compared: sorted by name.
func encode(set attribute.Set) string { return set.Encoded(attribute.DefaultEncoder()) }

// key is the series of our transform with one more attribute.
func key(attribute, value string) string {
	const mine = "bgtransform.transform=" + transform
	if attribute == "" {
		return mine
	}
	return fmt.Sprintf("bgtransform.%s=%s,%s", attribute, value, mine)
}
