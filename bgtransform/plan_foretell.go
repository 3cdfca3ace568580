package bgtransform

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// count estimates how many keys there are, from the sample.
func (p *planner) count(ctx context.Context, after string, walked int64) error {
	switch est, ok := p.stepper.(Estimator); {
	case p.plan.Part == PlanWhole:
		p.plan.Keys = walked
	case p.walk != nil && p.walk.density() > 0:
		p.plan.Keys = max(walked, p.walk.density())
	case ok:
		left, err := contain(ctx, func() (int64, error) { return est.Remaining(ctx, after, walked) })
		if err != nil {
			return foreign(p.stepper, err)
		}
		if left > 0 {
			p.plan.Keys = walked + left
		}
	}
	found := int64(0)
	for _, b := range p.plan.Batches {
		found += int64(b.Found)
	}
	switch {
	case p.plan.Part == PlanWhole:
		p.plan.Pending = found
	case p.plan.Keys >= 0 && walked > 0:
		p.plan.Pending = int64(float64(found) / float64(walked) * float64(p.plan.Keys))
	}
	return nil
}

// foretell predicts the finish from the batches of the sample.
func (p *planner) foretell(now time.Time) {
	f := &p.plan.Finish
	f.State, f.Made = ForecastMeasuring, now
	typical, limits := p.typical(), p.limits()
	if p.plan.Keys < 0 || typical.Keys == 0 || typical.took == 0 {
		return
	}
	busy := typical.took.Seconds() / limits.Duty
	if limits.RowsPerSecond > 0 {
		busy = max(busy, float64(typical.Changed)/limits.RowsPerSecond)
	}
	each := busy / float64(typical.Keys) // seconds a key, pauses included
	left := each
	if p.plan.Pending > 0 {
		reading := min(typical.took.Seconds(), besidesReading*typical.reads.Seconds()) / limits.Duty
		left += reading / float64(typical.Keys) // the pass that proves it
	}
	f.Left = seconds(left * float64(p.plan.Keys))
	batch := time.Duration(float64(typical.took) / float64(typical.batches))
	at, windows, ok := walkWindows(p.e.pace().window, now, workload{left: f.Left, batch: batch, every: seconds(busy / float64(typical.batches))})
	if !ok {
		f.State, f.Why = ForecastStopped, "its window never opens for long enough"
		return
	}
	f.State, f.At, f.Windows = ForecastReady, at, windows
}

// typical are the batches whose size is about that which batches grow to.
type typical struct {
	PlanBatch
	took    time.Duration
	batches int
}

func (p *planner) typical() (t typical) {
	largest := 0
	for _, b := range p.plan.Batches {
		largest = max(largest, b.Keys)
	}
	for _, b := range p.plan.Batches {
		if 2*b.Keys < largest {
			continue
		}
		t.batches++
		t.Keys, t.Changed = t.Keys+b.Keys, t.Changed+b.Changed
		t.took, t.reads = t.took+b.Read+b.Write, t.reads+b.reads
	}
	return t
}

// warnings are about what was seen.
func (p *planner) warnings() []string {
	var out []string
	for _, a := range p.plan.Accesses {
		if a.Whole {
			out = append(out, fmt.Sprintf("each batch reads the whole of table %s (%s); it needs an index for the condition, or statistics", a.Table, a.By))
		}
	}
	bad, keys := 0, 0
	for _, b := range p.plan.Batches {
		bad, keys = bad+b.Quarantined, keys+b.Keys
	}
	if share := float64(bad) / float64(max(keys, 1)); share > p.s.cfg.MaxQuarantineShare && keys >= 100 {
		out = append(out, fmt.Sprintf("%.0f%% of the rows would go to quarantine; the transform fails at %.0f%%", 100*share, 100*p.s.cfg.MaxQuarantineShare))
	}
	slices.Sort(out)
	return out
}
