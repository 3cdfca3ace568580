package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bgtransform/sidecar/bgtransform"
)

// StatusSource is what [Observer.ObserveStatus] asks: a [bgtransform.Scheduler].
type StatusSource interface {
	Status(ctx context.Context) ([]bgtransform.Status, error)
}

// statusLimit bounds a look at the status, so that a database that is down holds up no
// export.
const statusLimit = 5 * time.Second

// ObserveStatus reports where each transform stands, each time that metrics are
// collected, also while nothing advances it: its state, why it does not advance and whether
// that is as it should be, how far it is and when it will be done. A collection costs what a Status does: two or three small
// queries, for all transforms together, of five seconds at most. When the database
// cannot be read, only the reason is reported, that it cannot, and whether it is stuck.
//
// Every instance of a pool that calls it reports the same, so ask for max by
// bgtransform.transform. It returns a function that ends the report and is safe to call
// more than once. What the meter refuses goes to OpenTelemetry's error handler.
func (o *Observer) ObserveStatus(source StatusSource) (unregister func()) {
	f := factory{meter: o.meter}
	g := statusGauges{
		state:      f.observedGauge("bgtransform.state", "{transform}", "1 for the state that the transform is in, 0 for those it was in."),
		reason:     f.observedGauge("bgtransform.reason", "{transform}", "1 for the reason why it does not advance, or what limits it; 0 for those there were."),
		stuck:      f.observedGauge("bgtransform.stuck", "{transform}", "1 if it has not come forward for Config.StuckAfter, and should have."),
		pool:       f.observedGauge("bgtransform.pool", "{instance}", "Live instances by their stage of the transform's move."),
		progress:   f.observedFloat("bgtransform.progress", "1", "Share of the run that is done."),
		finish:     f.observedFloat("bgtransform.finish.time", "s", "When it will be complete, as Unix time, an estimate."),
		quarantine: f.observedGauge("bgtransform.quarantine", "{row}", "Rows in quarantine that block completion."),
		verified:   f.observedGauge("bgtransform.verified", "{transform}", "1 if a verification since it became complete has left nothing wrong."),
	}
	if f.err != nil {
		otel.Handle(f.err)
		return func() {}
	}
	return o.observe(func(ctx context.Context, to metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, statusLimit)
		defer cancel()
		all, err := source.Status(ctx)
		for i := range all {
			g.observe(to, &all[i], err == nil)
		}
		return nil // the reason tells of the error; it is no fault of the exporter
	}, g.state, g.reason, g.stuck, g.pool, g.progress, g.finish, g.quarantine, g.verified)
}

// statusGauges are what is reported of a status.
type statusGauges struct {
	state, reason, stuck, pool, quarantine, verified metric.Int64ObservableGauge
	progress, finish                                 metric.Float64ObservableGauge

	seen seenValues
}

// observe reports st; where the database could not be asked, what is known without it.
func (g *statusGauges) observe(to metric.Observer, st *bgtransform.Status, read bool) {
	g.values(to, g.reason, st.Transform, keyReason, one(st.Why().Code))
	set := metric.WithAttributes(keyTransform.String(st.Transform))
	to.ObserveInt64(g.stuck, known(st.Stuck), set)
	if !read {
		return
	}
	g.values(to, g.state, st.Transform, keyState, one(st.State))
	g.values(to, g.pool, st.Transform, keyStage, stages(st.Pool))
	to.ObserveInt64(g.quarantine, st.Quarantined, set)
	to.ObserveInt64(g.verified, known(st.Verified), set)
	if st.Progress >= 0 { // negative: unknown
		to.ObserveFloat64(g.progress, st.Progress, set)
	}
	if !st.Finish.At.IsZero() {
		to.ObserveFloat64(g.finish, float64(st.Finish.At.Unix()), set)
	}
}

// values reports counts by the values of an attribute, and 0 for those there were.
func (g *statusGauges) values(to metric.Observer, gauge metric.Int64ObservableGauge, transform string, key attribute.Key, counts map[string]int64) {
	for value, n := range g.seen.with(transform, key, counts) {
		to.ObserveInt64(gauge, n, metric.WithAttributes(keyTransform.String(transform), key.String(value)))
	}
}

// known is 1 for a time that is set.
func known(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return 1
}

// one counts the value that a transform has, if it has any.
func one[V ~string](value V) map[string]int64 {
	if value == "" {
		return nil
	}
	return map[string]int64{string(value): 1}
}

func stages(pool []bgtransform.PoolStage) map[string]int64 {
	n := make(map[string]int64, len(pool))
	for i := range pool {
		n[string(pool[i].Stage)]++
	}
	return n
}
