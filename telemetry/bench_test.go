package telemetry_test

import (
	"testing"

	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
)

// BenchmarkBatch measures what a batch of some hundred milliseconds pays.
func BenchmarkBatch(b *testing.B) {
	sampled := newHarness()
	sampled.tracers.UnregisterSpanProcessor(sampled.spans)
	unsampled := newHarness(sdktrace.WithSampler(sdktrace.NeverSample()))
	for name, o := range map[string]*telemetry.Observer{
		"sampled":   sampled.Observer,
		"unsampled": unsampled.Observer,
		"global":    telemetry.New(),
		"disabled": telemetry.New(
			telemetry.WithTracerProvider(nooptrace.NewTracerProvider()),
			telemetry.WithMeterProvider(noopmetric.NewMeterProvider())),
	} {
		b.Run(name, func(b *testing.B) {
			run, _ := o.RunStart(b.Context(), bgtransform.RunStartInfo{RunID: runID(7), First: true})
			start := batchStart(1)
			end := bgtransform.BatchEndInfo{BatchStartInfo: start, BatchResult: result()}
			b.ReportAllocs()
			for b.Loop() {
				o.BatchEnd(o.BatchStart(run, start), end)
			}
		})
	}
}
