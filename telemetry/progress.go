package telemetry

import (
	"context"
	"maps"
	"sync"

	"go.opentelemetry.io/otel/metric"

	"github.com/bgtransform/sidecar/bgtransform"
)

// progress is what the last batch of a transform told.
type progress struct {
	remaining int64
	rate      float64
	set       metric.MeasurementOption
}

// progressBoard holds the progress of the transforms that this instance runs,
// for the gauges to read. A gauge that were set by each batch would go on
// showing the last value after another instance took over. The zero value is
// ready to use.
type progressBoard struct {
	mu          sync.Mutex
	byTransform map[string]progress
}

func (b *progressBoard) put(transform string, set metric.MeasurementOption, r *bgtransform.BatchResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byTransform == nil {
		b.byTransform = make(map[string]progress)
	}
	b.byTransform[transform] = progress{remaining: r.Remaining, rate: r.RowsPerSec, set: set}
}

func (b *progressBoard) drop(transform string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byTransform, transform)
}

// all returns a copy, so that no exporter is called under the lock.
func (b *progressBoard) all() map[string]progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.byTransform)
}

func (b *progressBoard) observeRemaining(_ context.Context, to metric.Int64Observer) error {
	for _, p := range b.all() {
		if p.remaining >= 0 { // negative: unknown
			to.Observe(p.remaining, p.set)
		}
	}
	return nil
}

func (b *progressBoard) observeRate(_ context.Context, to metric.Float64Observer) error {
	for _, p := range b.all() {
		to.Observe(p.rate, p.set)
	}
	return nil
}
