package setup

import (
	"context"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// startTraces makes the tracer provider, which exports in a goroutine that ends
// with [Providers.Shutdown]. With an error it leaves the one that does nothing.
func (p *Providers) startTraces(ctx context.Context, res *resource.Resource) error {
	if err := traces.check(); err != nil {
		return err
	}
	exporter, err := newSpanExporter(ctx)
	if err != nil {
		return traces.exporterError(err)
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(exporter))
	p.tracer = tp
	p.pipelines = append(p.pipelines, pipeline{name: "traces", shutdown: tp.Shutdown, abort: exporter.Shutdown})
	p.hasTracer = true
	return nil
}

// newSpanExporter asks autoexport, but for OTLP as http/json, which the exporter
// takes from the environment and autoexport does not know.
func newSpanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	if _, protocol := traces.setting("PROTOCOL"); protocol == protocolHTTPJSON && traces.exporter() == exporterOTLP {
		return otlptracehttp.New(ctx)
	}
	return autoexport.NewSpanExporter(ctx)
}
