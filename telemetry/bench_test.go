package telemetry_test

import (
	"testing"
	"time"

	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
)

// BenchmarkBatch measures what a batch pays.
func BenchmarkBatch(b *testing.B) {
	sampled := newHarness()
	sampled.tracers.UnregisterSpanProcessor(sampled.spans)
	unsampled := newHarness(sdktrace.WithSampler(sdktrace.NeverSample()))
	for name, o := range map[string]*telemetry.Observer{
		"sampled":   sampled.Observer,
		"unsampled": unsampled.Observer,
		"left out":  newThinHarness(0).Observer,
		"global":    telemetry.New(),
		"disabled": telemetry.New(
			telemetry.WithTracerProvider(nooptrace.NewTracerProvider()),
			telemetry.WithMeterProvider(noopmetric.NewMeterProvider())),
	} {
		b.Run(name, func(b *testing.B) {
			run, _ := o.RunStart(b.Context(), bgtransform.RunStartInfo{RunID: runID(7), First: true})
			start := batchStart(1)
			usual := result()
			usual.Quarantined = 0 // which would give each a span
			end := bgtransform.BatchEndInfo{BatchStartInfo: start, BatchResult: usual}
			b.ReportAllocs()
			for b.Loop() {
				o.BatchEnd(o.BatchStart(run, start), end)
			}
		})
	}
}

// BenchmarkRun compares whole runs with telemetry, its spans sampled or not, with runs
// that have no observer of it, in turn on equal tables.
func BenchmarkRun(b *testing.B) {
	const rows = 100_000
	unsampled := newHarness(sdktrace.WithSampler(sdktrace.NeverSample()))
	took := map[string]time.Duration{}
	for b.Loop() {
		sampled := newHarness() // whose spans are kept, and so would be the last run's
		for name, o := range map[string]bgtransform.Observer{"none": nil, "sampled": sampled.Observer, "unsampled": unsampled.Observer} {
			took[name] += toEnd(b, newTracks(b, rows), bgtransform.Config{Observer: o}, inMS)
		}
	}
	b.ReportMetric(0, "ns/op")
	for name := range took {
		b.ReportMetric(took[name].Seconds()/took["none"].Seconds(), name+"/none")
	}
	b.ReportMetric(took["none"].Seconds()*1e6/float64(b.N)/(2*rows/1000), "µs/batch") // two passes
}
