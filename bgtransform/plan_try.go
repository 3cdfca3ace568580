package bgtransform

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// trial is a batch that is tried.
type trial struct {
	PlanBatch

	after string
	step  Step
	left  int           // rows that are pending although they were written
	seen  []PlanExample // its rows, as they were and as they would be
	ask   []inquiry     // about its rows, as they were and as they would be
	aside time.Duration // what it took to read them for that, which a run does not do
}

// try does one batch and rolls it back. It counts for the plan if nothing fails.
func (p *planner) try(ctx context.Context, after string, size int) (_ Step, err error) {
	t := trial{after: after}
	ctx, end := p.host.begin(ctx, size)
	defer func() { end(t.PlanBatch, err) }()
	ctx, used := p.s.spending(ctx)
	p.read() // what went before is no batch's
	explain := p.explaining(after)
	if err = p.look(ctx, size, &t); err == nil && (t.step.Apply != nil || p.agreement != nil) {
		err = p.write(ctx, &t)
	}
	database, code, waited := used.parts(t.Read+t.Write+t.aside, p.s.db.Stats())
	paced := throttle.Batch{Took: database, Code: code, Waited: waited}
	if err == nil {
		paced.Keys, paced.Rows = t.Keys, t.Changed
	}
	p.pacer.Done(paced)
	if err == nil {
		err = explain(ctx)
	}
	if err == nil {
		err = p.inquire(ctx, &t)
	}
	if err != nil {
		return Step{}, withCause(ctx, err)
	}
	p.tally(t)
	return t.step, nil
}

// look reads the range, and calls user code.
func (p *planner) look(ctx context.Context, size int, t *trial) error {
	began := time.Now()
	step, err := contain(ctx, func() (Step, error) {
		return p.stepper.Step(ctx, Request{After: t.after, Limit: size, Skip: p.skip, Budget: 10 * p.limits().Target, Check: true})
	})
	t.Read = time.Since(began)
	err = foreign(p.stepper, err)
	switch {
	case err != nil && step.Keys == 1 && step.Cursor != t.after && p.s.classify(err) == dialect.BadRow && !isForeign(err):
		step = Step{Cursor: step.Cursor, Keys: 1, Last: step.Last, Failed: []RowFailure{{Class: "refused by the database"}}}
	case err != nil:
		return err
	case !step.Last && (step.Cursor == t.after || step.Keys < 1):
		return errStuck
	}
	t.reads = min(t.Read, p.read())
	t.step, t.Keys, t.Found, t.Quarantined = step, step.Keys, len(step.Failed), len(step.Failed)
	return nil
}

// write does the transaction of a batch, which never commits.
func (p *planner) write(ctx context.Context, t *trial) error {
	began := time.Now()
	err := p.host.tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := p.apply(ctx, tx, t); err != nil {
			return err
		}
		return errRolledBack
	})
	t.Write = time.Since(began) - t.aside
	switch {
	case errors.Is(err, errRolledBack):
		return nil
	case p.s.classify(err) == dialect.BadRow && !isForeign(err):
		p.warn("the database refuses a row: " + p.s.safeText(err) + "; a run finds out which, and puts it into quarantine")
		return nil
	default:
		return err
	}
}

// apply is what the transaction of a batch does.
func (p *planner) apply(ctx context.Context, tx bun.Tx, t *trial) (err error) {
	if err := p.compare(ctx, tx, t); err != nil || t.step.Apply == nil {
		return err
	}
	if want := p.o.Examples - len(p.plan.Examples); want > 0 && p.walk != nil {
		if t.seen, err = p.walk.before(ctx, tx, t.after, t.step.Cursor, want); err != nil {
			return err
		}
	}
	applied, err := contain(ctx, func() (Applied, error) { return t.step.Apply(ctx, tx) })
	if err != nil {
		return foreign(p.stepper, err)
	}
	if err := p.compare(ctx, tx, t); err != nil {
		return err
	}
	if p.also != nil {
		if err := p.also(ctx, tx, applied); err != nil {
			return err
		}
	}
	var left []string
	if t.step.StillPending != nil && applied.Changed > 0 {
		if left, err = contain(ctx, func() ([]string, error) { return t.step.StillPending(ctx, tx) }); err != nil {
			return foreign(p.stepper, err)
		}
	}
	if len(t.seen) > 0 {
		if t.seen, err = p.walk.after(ctx, tx, t.seen); err != nil {
			return err
		}
	}
	t.left, t.Found, t.Changed = len(left), t.Found+applied.Found, applied.Changed-len(left)
	t.Quarantined += len(left)
	return nil
}

// tally adds a batch to the plan.
func (p *planner) tally(t trial) {
	if t.Keys > 0 {
		p.plan.Batches = append(p.plan.Batches, t.PlanBatch)
	}
	p.plan.Examples = append(p.plan.Examples, t.seen...)
	for _, f := range t.step.Failed {
		p.plan.Quarantined[f.Class]++
	}
	if t.left > 0 {
		p.plan.Quarantined[string(ReasonStillMatch)] += t.left
	}
	if t.left > 1 && t.Changed <= 0 {
		p.warn("the pending condition is still true for every row of a batch after it was written; a run would fail")
	}
}
