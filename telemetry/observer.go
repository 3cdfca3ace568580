package telemetry

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Observer makes spans and metrics of what the engine tells it. Make one with
// [New]. It starts no goroutine and is safe for concurrent use.
type Observer struct {
	tracer trace.Tracer
	meter  metric.Meter
	rate   spanRate

	instruments instruments
	sets        setCache
	leases      heldLeases
	waits       waitNotes
	progress    progressBoard
}

var (
	_ bgtransform.Observer      = (*Observer)(nil)
	_ bgtransform.RunObserver   = (*Observer)(nil)
	_ bgtransform.LeaseObserver = (*Observer)(nil)
	_ bgtransform.WaitObserver  = (*Observer)(nil)
)

// New returns an observer that reports to the global providers of
// OpenTelemetry, or to those that opts name. Providers that the application
// makes global later are found all the same.
//
// It cannot fail: an instrument that the meter refuses reports nothing, and the
// reason goes to OpenTelemetry's error handler. Make one for a process, since
// the meter keeps the observer's gauges for as long as it lives.
func New(opts ...Option) *Observer {
	c := newConfig(opts)
	o := &Observer{tracer: c.tracer(), meter: c.meter(), rate: spanRateOf(c.batchSpans)}
	var err error
	if o.instruments, err = newInstruments(o.meter, &o.progress); err != nil {
		otel.Handle(err)
	}
	return o
}
