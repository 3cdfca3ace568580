package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/telemetry"
)

// The engine calls the observer; here it is called by hand to show what it makes.
func ExampleNew() {
	exporter := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	observer := telemetry.New(telemetry.WithTracerProvider(tracers))

	id := bgtransform.RunID{Transform: "track-length-ms", Run: 1, Attempt: 1}
	ctx, link := observer.RunStart(context.Background(), bgtransform.RunStartInfo{RunID: id, First: true})
	start := bgtransform.BatchStartInfo{RunID: id, Pass: 1, Batch: 1, Limit: 1000}
	batch := observer.BatchStart(ctx, start)
	observer.BatchEnd(batch, bgtransform.BatchEndInfo{BatchStartInfo: start})
	observer.RunEnd(ctx, bgtransform.RunEndInfo{RunID: id, State: bgtransform.StateComplete})

	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name, "links:", len(span.Links))
	}
	fmt.Println("stored with the run:", len(link), "bytes")
	// Output:
	// bgtransform.run links: 0
	// bgtransform.attempt links: 1
	// bgtransform.batch links: 1
	// bgtransform.attempt.end links: 2
	// stored with the run: 55 bytes
}

// Counts of a dual read are collected with the application's other metrics.
func ExampleObserver_ObserveMoves() {
	observer := telemetry.New()
	var length lengthColumn // made by dualread.New
	unregister := observer.ObserveMoves(length)
	defer unregister()
	fmt.Println(length.Stats().Fallbacks, "reads fell back")
	// Output: 12 reads fell back
}

// Where each transform stands is reported also while nothing advances it.
func ExampleObserver_ObserveStatus() {
	reader := sdkmetric.NewManualReader()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	observer := telemetry.New(telemetry.WithMeterProvider(meters))
	var sched paused // made by bgtransform.New
	unregister := observer.ObserveStatus(sched)
	defer unregister()

	var collected metricdata.ResourceMetrics
	_ = reader.Collect(context.Background(), &collected)
	for _, m := range collected.ScopeMetrics[0].Metrics {
		if m.Name == "bgtransform.reason" {
			point := m.Data.(metricdata.Gauge[int64]).DataPoints[0]
			fmt.Println(point.Attributes.Encoded(attribute.DefaultEncoder()), point.Value)
		}
	}
	// Output: bgtransform.reason=paused,bgtransform.transform=track-length-ms 1
}

type paused struct{}

func (paused) Status(context.Context) ([]bgtransform.Status, error) {
	return []bgtransform.Status{{
		Transform: "track-length-ms", State: bgtransform.StatePaused, Reason: bgtransform.Reason{Code: bgtransform.ReasonPaused},
	}}, nil
}

type lengthColumn struct{}

func (lengthColumn) Stats() dualread.Stats {
	return dualread.Stats{Name: "track-length-ms", Fallbacks: 12}
}

func ExampleLogHandler() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	logger := slog.New(telemetry.LogHandler(text))

	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd},
	}))
	logger.InfoContext(ctx, "batch committed", "rows", 1000)
	// Output:
	// level=INFO msg="batch committed" rows=1000 trace_id=ab000000000000000000000000000000 span_id=cd00000000000000
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
