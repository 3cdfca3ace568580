package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// planner makes one plan.
type planner struct {
	s *Scheduler
	e *entry
	o PlanOptions

	plan    Plan
	stepper Stepper
	pacer   *throttle.Pacer
	walk    planWalk // of our own kinds; nil for others
	limits  throttle.Limits
}

// errMarked refuses a plan of what cannot be rolled back.
var errMarked = &safeError{class: "processed_set", text: "it keeps processed keys in a set, which a plan cannot write and roll back; run it on a copy of the database"}

func (p *planner) run(ctx context.Context) error {
	b := p.s.cfg.bounds()
	b.row = p.e.settings.rowTimeout
	opened, cancel := context.WithTimeoutCause(ctx, p.s.cfg.BatchTimeout, ErrOverran)
	defer cancel()
	stepper, err := contain(opened, func() (Stepper, error) { return p.e.transform.Open(withBounds(opened, b), p.s.db) })
	if err != nil {
		if !isSchema(err) {
			err = foreign(stepper, err)
		}
		return err
	}
	p.stepper, p.limits = stepper, p.e.pace().limits.WithDefaults()
	p.pacer = throttle.New(p.limits)
	if marker, ok := stepper.(interface{ marks() bool }); ok && marker.marks() {
		return errMarked
	}
	p.walk, _ = stepper.(planWalk)
	if err := p.sample(withBounds(ctx, b)); err != nil {
		return err
	}
	p.foretell(time.Now())
	p.plan.Warnings = append(p.plan.Warnings, p.warnings()...)
	return nil
}

// sample tries batches.
func (p *planner) sample(ctx context.Context) error {
	starts, err := p.starts(ctx)
	if err != nil {
		return err
	}
	after, walked, inRow := "", int64(0), true
	for i := range p.o.Batches {
		if i > 0 && starts != nil {
			if at, further := p.walk.further(after, starts[i]); further {
				after, inRow = at, false
			}
		}
		step, err := p.try(ctx, after)
		if err != nil {
			return err
		}
		walked += int64(step.Keys)
		if step.Last {
			p.plan.Whole = inRow
			break
		}
		if step.Cursor == after {
			return errStuck
		}
		after = step.Cursor
		if err := backoff.Sleep(ctx, p.pacer.Wait().For); err != nil {
			return err
		}
	}
	return p.count(ctx, after, walked)
}

// starts returns where the batches of the sample begin; nil for one after the other.
func (p *planner) starts(ctx context.Context) ([]string, error) {
	if p.walk == nil {
		return nil, nil
	}
	return p.walk.spread(ctx, p.o.Batches)
}

// count estimates how many keys there are, from the sample.
func (p *planner) count(ctx context.Context, after string, walked int64) error {
	switch est, ok := p.stepper.(Estimator); {
	case p.plan.Whole:
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
	case p.plan.Whole:
		p.plan.Pending = found
	case p.plan.Keys >= 0 && walked > 0:
		p.plan.Pending = int64(float64(found) / float64(walked) * float64(p.plan.Keys))
	}
	return nil
}

// try does one batch and rolls it back.
func (p *planner) try(ctx context.Context, after string) (Step, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.s.cfg.BatchTimeout, ErrOverran)
	defer cancel()
	ctx, used := p.s.spending(ctx)
	p.read() // what opening took is no batch's
	explain := p.explaining(after)
	began := time.Now()
	step, err := contain(ctx, func() (Step, error) {
		return p.stepper.Step(ctx, Request{After: after, Limit: p.pacer.Size(), Budget: 10 * p.limits.Target, Check: true})
	})
	if err != nil {
		return Step{}, withCause(ctx, foreign(p.stepper, err))
	}
	b := PlanBatch{Keys: step.Keys, Found: len(step.Failed), Quarantined: len(step.Failed), Read: time.Since(began)}
	b.reads = min(b.Read, p.read())
	for _, f := range step.Failed {
		p.plan.Quarantined[f.Class]++
	}
	if step.Apply != nil {
		began = time.Now()
		err = p.s.d.Transact(ctx, p.s.db, p.s.cfg.bounds().limits(), func(ctx context.Context, tx bun.Tx) error { return p.write(ctx, tx, after, &step, &b) })
		b.Write = time.Since(began)
		switch {
		case errors.Is(err, errRolledBack):
		case p.s.classify(err) == dialect.BadRow && !isForeign(err):
			p.plan.Warnings = append(p.plan.Warnings, "the database refuses a row: "+p.s.safeText(err)+"; a run finds out which, and puts it into quarantine")
		default:
			return Step{}, withCause(ctx, err)
		}
	}
	database, code, waited := used.parts(b.Read+b.Write, p.s.db.Stats())
	p.pacer.Done(throttle.Batch{Keys: step.Keys, Rows: b.Changed, Took: database, Code: code, Waited: waited})
	if step.Keys > 0 {
		p.plan.Batches = append(p.plan.Batches, b)
	}
	return step, explain(ctx)
}

// write is the transaction of a batch, which never commits.
func (p *planner) write(ctx context.Context, tx bun.Tx, after string, step *Step, b *PlanBatch) error {
	var seen []PlanExample
	var err error
	if want := p.o.Examples - len(p.plan.Examples); want > 0 && p.walk != nil {
		if seen, err = p.walk.before(ctx, tx, after, step.Cursor, want); err != nil {
			return err
		}
	}
	applied, err := contain(ctx, func() (Applied, error) { return step.Apply(ctx, tx) })
	if err != nil {
		return foreign(p.stepper, err)
	}
	b.Found, b.Changed = b.Found+applied.Found, applied.Changed
	if step.StillPending != nil && applied.Changed > 0 {
		left, err := contain(ctx, func() ([]string, error) { return step.StillPending(ctx, tx) })
		if err != nil {
			return foreign(p.stepper, err)
		}
		b.Changed, b.Quarantined = b.Changed-len(left), b.Quarantined+len(left)
		if len(left) > 0 {
			p.plan.Quarantined[string(ReasonStillMatch)] += len(left)
		}
	}
	if len(seen) > 0 {
		if seen, err = p.walk.after(ctx, tx, seen); err != nil {
			return err
		}
		p.plan.Examples = append(p.plan.Examples, seen...)
	}
	return errRolledBack
}

// read returns how long queries took since it was last asked.
func (p *planner) read() time.Duration {
	if timer, ok := p.stepper.(readTimer); ok {
		return timer.reading()
	}
	return p.s.cfg.BatchTimeout
}

// foretell predicts the finish from the batches of the sample.
func (p *planner) foretell(now time.Time) {
	f := &p.plan.Finish
	f.State, f.Made = ForecastMeasuring, now
	typical := p.typical()
	if p.plan.Keys < 0 || typical.Keys == 0 || typical.took == 0 {
		return
	}
	busy := typical.took.Seconds() / p.limits.Duty
	if p.limits.RowsPerSecond > 0 {
		busy = max(busy, float64(typical.Changed)/p.limits.RowsPerSecond)
	}
	each := busy / float64(typical.Keys) // seconds a key, pauses included
	left := each
	if p.plan.Pending > 0 {
		reading := min(typical.took.Seconds(), besidesReading*typical.reads.Seconds()) / p.limits.Duty
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
