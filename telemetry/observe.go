package telemetry

import (
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// observe calls callback each time that metrics are collected, until the function that
// it returns is called. Instruments that one callback reports are reported by one look.
func (o *Observer) observe(callback metric.Callback, instruments ...metric.Observable) (unregister func()) {
	registration, err := o.meter.RegisterCallback(callback, instruments...)
	if err != nil {
		otel.Handle(err)
		return func() {}
	}
	return func() {
		if err := registration.Unregister(); err != nil {
			otel.Handle(err)
		}
	}
}

// factory makes instruments and joins the errors, so that what a meter refuses
// becomes an instrument that does nothing.
type factory struct {
	meter metric.Meter
	err   error
}

func (f *factory) note(err error) { f.err = errors.Join(f.err, err) }

func (f *factory) observedCounter(name, unit, description string) metric.Int64ObservableCounter {
	c, err := f.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.note(err)
	return c
}

func (f *factory) observedGauge(name, unit, description string) metric.Int64ObservableGauge {
	g, err := f.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.note(err)
	return g
}

func (f *factory) observedFloat(name, unit, description string) metric.Float64ObservableGauge {
	g, err := f.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.note(err)
	return g
}

// gauge and floatGauge make gauges that observe themselves, for as long as the meter
// lives.
func (f *factory) gauge(name, unit, description string, observe metric.Int64Callback) {
	_, err := f.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithInt64Callback(observe))
	f.note(err)
}

func (f *factory) floatGauge(name, unit, description string, observe metric.Float64Callback) {
	_, err := f.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithFloat64Callback(observe))
	f.note(err)
}
