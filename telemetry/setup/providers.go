package setup

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/log"
	nooplog "go.opentelemetry.io/otel/log/noop"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
)

// shutdownLimit bounds a shutdown whose context has no deadline: an application
// that forgot it must still end before it is killed.
const shutdownLimit = 5 * time.Second

// Providers are what [FromEnv] made. They are safe for concurrent use.
type Providers struct {
	tracer    trace.TracerProvider
	meter     metric.MeterProvider
	logger    log.LoggerProvider
	hasTracer bool
	hasMeter  bool
	hasLogger bool

	pipelines []pipeline
	stop      sync.Once
}

// newProviders returns providers that do nothing.
func newProviders() *Providers {
	return &Providers{
		tracer: nooptrace.NewTracerProvider(), meter: noopmetric.NewMeterProvider(), logger: nooplog.NewLoggerProvider(),
	}
}

// TracerProvider returns the tracer provider, which does nothing unless the
// environment asks for traces.
func (p *Providers) TracerProvider() trace.TracerProvider { return p.tracer }

// MeterProvider returns the meter provider, which does nothing unless the
// environment asks for metrics.
func (p *Providers) MeterProvider() metric.MeterProvider { return p.meter }

// LoggerProvider returns the logger provider, which does nothing unless the
// environment asks for logs. [Providers.LogHandler] leads slog into it.
func (p *Providers) LoggerProvider() log.LoggerProvider { return p.logger }

// Exporting reports whether the environment asks for traces, metrics or logs, and at
// least one of them could be set up.
func (p *Providers) Exporting() bool { return p.hasTracer || p.hasMeter || p.hasLogger }

// SetGlobal makes the providers those of the whole process, for libraries that
// look there. A provider that does nothing is not made global.
func (p *Providers) SetGlobal() {
	if p.hasTracer {
		otel.SetTracerProvider(p.tracer)
	}
	if p.hasMeter {
		otel.SetMeterProvider(p.meter)
	}
	if p.hasLogger {
		otel.SetLoggerProvider(p.logger)
	}
}

// Shutdown sends what is left and stops exporting, and returns when that is done
// or ctx ends, whichever comes first, or after five seconds when ctx has no
// deadline. It returns no error on purpose, so that a collector that is down
// cannot turn the end of an application into a failure: errors go to
// OpenTelemetry's error handler. It is safe to call more than once.
func (p *Providers) Shutdown(ctx context.Context) {
	p.stop.Do(func() {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, shutdownLimit)
			defer cancel()
		}
		var wg sync.WaitGroup
		for _, pl := range p.pipelines {
			wg.Go(func() { pl.stop(ctx) })
		}
		wg.Wait()
	})
}
