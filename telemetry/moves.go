package telemetry

import (
	"context"
	"math"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Move is what [Observer.ObserveMoves] reports: any [dualread.Column].
type Move interface {
	// Stats returns the counts so far. It must not block and must be safe for
	// concurrent use.
	Stats() dualread.Stats
}

// ObserveMoves reports how many reads of the given columns had to fall back, and
// what the comparisons of both sides came to, each time that metrics are
// collected: the evidence that the old column may go.
// It returns a function that ends the report and is safe to call more than once.
// What the meter refuses goes to OpenTelemetry's error handler.
func (o *Observer) ObserveMoves(moves ...Move) (unregister func()) {
	f := factory{meter: o.meter}
	fallbacks := f.observedCounter("bgtransform.dualread.fallbacks", "{read}", "Dual reads that the old column had to answer.")
	missing := f.observedCounter("bgtransform.dualread.missing", "{read}", "Dual reads that nothing could answer.")
	compared := f.observedCounter("bgtransform.dualread.compared", "{read}", "Dual reads of which the values of both columns were compared.")
	mismatches := f.observedCounter("bgtransform.dualread.mismatches", "{read}", "Dual reads of which the values of both columns did not go together.")
	if f.err != nil {
		otel.Handle(f.err)
		return func() {}
	}
	moves = slices.Clone(moves)
	return o.observe(func(_ context.Context, to metric.Observer) error {
		for _, m := range moves {
			stats := m.Stats()
			set := metric.WithAttributes(keyMove.String(stats.Name))
			to.ObserveInt64(fallbacks, clamp(stats.Fallbacks), set)
			to.ObserveInt64(missing, clamp(stats.Missing), set)
			to.ObserveInt64(compared, clamp(stats.Compared), set)
			to.ObserveInt64(mismatches, clamp(stats.Mismatches), set)
		}
		return nil
	}, fallbacks, missing, compared, mismatches)
}

// clamp converts a count to what OpenTelemetry counts with.
func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
