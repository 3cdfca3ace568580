package telemetry

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Option configures [New].
type Option interface {
	apply(config) config
}

// config is what the options set.
type config struct {
	tracerProvider trace.TracerProvider
	meterProvider  metric.MeterProvider
	batchSpans     float64
}

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// WithTracerProvider makes spans go to tp. Defaults to the global provider of
// OpenTelemetry, also when tp is nil.
func WithTracerProvider(tp trace.TracerProvider) Option {
	return optionFunc(func(c config) config {
		c.tracerProvider = tp
		return c
	})
}

// WithMeterProvider makes metrics go to mp. Defaults to the global provider of
// OpenTelemetry, also when mp is nil.
func WithMeterProvider(mp metric.MeterProvider) Option {
	return optionFunc(func(c config) config {
		c.meterProvider = mp
		return c
	})
}

// defaultBatchSpans is how many spans of batches there are in a second at most.
const defaultBatchSpans = 10

// WithBatchSpans bounds how many spans of batches there are in a second of an
// attempt: a fast database does some hundred batches a second, of which one is
// like the other. Those that tell more have a span all the same, which begins when they
// did: that were not committed (failed, interrupted, a dry run), took a second or longer,
// sent rows to quarantine, found mismatches, or came after a wait of a second or for
// anything but pace and health. Metrics count all of them. Defaults to 10. math.Inf(1)
// makes a span for each batch; 0, or less, or NaN makes none but the ones named.
//
// What is logged in a batch without a span belongs to the trace of its attempt. Spans
// that are begun in it are left out by samplers that ask the parent, as the default of
// OpenTelemetry does (parentbased_always_on); others put them into that trace.
func WithBatchSpans(perSecond float64) Option {
	return optionFunc(func(c config) config {
		c.batchSpans = perSecond
		return c
	})
}

// newConfig applies opts, then the defaults.
func newConfig(opts []Option) config {
	c := config{batchSpans: defaultBatchSpans}
	for _, opt := range opts {
		if opt != nil {
			c = opt.apply(c)
		}
	}
	if c.tracerProvider == nil {
		c.tracerProvider = otel.GetTracerProvider()
	}
	if c.meterProvider == nil {
		c.meterProvider = otel.GetMeterProvider()
	}
	return c
}

func (c config) tracer() trace.Tracer {
	return c.tracerProvider.Tracer(ScopeName,
		trace.WithInstrumentationVersion(Version),
		trace.WithSchemaURL(semconv.SchemaURL))
}

func (c config) meter() metric.Meter {
	return c.meterProvider.Meter(ScopeName,
		metric.WithInstrumentationVersion(Version),
		metric.WithSchemaURL(semconv.SchemaURL))
}
