package telemetry

import (
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// instruments are the metrics of an observer. The table in the package's
// documentation says what each of them means.
type instruments struct {
	rows          metric.Int64Counter
	keys          metric.Int64Counter
	batchDuration metric.Float64Histogram
	batchSize     metric.Int64Histogram
	attempts      metric.Int64Counter
	attemptEnds   metric.Int64Counter
	leaseEvents   metric.Int64Counter
	leaseHeld     metric.Int64UpDownCounter
	waits         metric.Int64Counter
	waitDuration  metric.Float64Histogram
}

// newInstruments makes the instruments and registers the gauges that read
// board. The result is usable also with an error, which joins all of them.
func newInstruments(meter metric.Meter, board *progressBoard) (instruments, error) {
	f := factory{meter: meter}
	set := instruments{
		rows:          f.counter("bgtransform.rows", "{row}", "Rows by what became of them."),
		keys:          f.counter("bgtransform.keys", "{key}", "Keys walked, pending or not."),
		batchDuration: f.seconds("bgtransform.batch.duration", "Duration of batches.", batchSeconds()),
		batchSize:     f.sizes("bgtransform.batch.size", "{key}", "Keys in a batch.", batchKeys()),
		attempts:      f.counter("bgtransform.attempts", "{attempt}", "Attempts begun."),
		attemptEnds:   f.counter("bgtransform.attempt.ends", "{attempt}", "Attempts ended, by the state they left."),
		leaseEvents:   f.counter("bgtransform.lease.events", "{event}", "Changes of the lease."),
		leaseHeld:     f.upDownCounter("bgtransform.lease.held", "{lease}", "Leases held by this instance."),
		waits:         f.counter("bgtransform.waits", "{wait}", "Waits begun, by reason."),
		waitDuration:  f.seconds("bgtransform.wait.duration", "How long a wait is to last before the next look.", waitSeconds()),
	}
	f.gauge("bgtransform.remaining", "{row}", "Rows still to walk in this pass, an estimate.", board.observeRemaining)
	f.floatGauge("bgtransform.rate", "{row}/s", "Rows walked a second, pending or not, over the recent past, waits included.", board.observeRate)
	return set, f.err
}

// batchSeconds begin where batches of a fast database are, a few milliseconds, and
// reach to where statement timeouts and slow API calls are.
func batchSeconds() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, .75, 1, 2.5, 5, 10, 30, 60, 300}
}

// batchKeys go from the floor to the ceiling of the batch sizer.
func batchKeys() []float64 {
	return []float64{1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000}
}

// waitSeconds go from the pauses between batches to a day outside the window.
func waitSeconds() []float64 {
	return []float64{.01, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 8 * 3600, 24 * 3600}
}

func (f *factory) counter(name, unit, description string) metric.Int64Counter {
	c, err := f.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.note(err)
	if c == nil {
		return noop.Int64Counter{}
	}
	return c
}

func (f *factory) upDownCounter(name, unit, description string) metric.Int64UpDownCounter {
	c, err := f.meter.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.note(err)
	if c == nil {
		return noop.Int64UpDownCounter{}
	}
	return c
}

func (f *factory) seconds(name, description string, bounds []float64) metric.Float64Histogram {
	h, err := f.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(bounds...))
	f.note(err)
	if h == nil {
		return noop.Float64Histogram{}
	}
	return h
}

func (f *factory) sizes(name, unit, description string, bounds []float64) metric.Int64Histogram {
	h, err := f.meter.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(bounds...))
	f.note(err)
	if h == nil {
		return noop.Int64Histogram{}
	}
	return h
}
