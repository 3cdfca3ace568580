package bgtransform

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// errRolledBack undoes the transaction of a batch that was tried.
var errRolledBack = errors.New("bgtransform: rolled back on purpose")

// planner makes one plan.
type planner struct {
	s       *Scheduler
	e       *entry
	o       PlanOptions
	host    planHost
	stepper Stepper
	walk    planWalk // of our own kinds; nil for others
	pacer   *throttle.Pacer
	skip    Skips
	also    func(ctx context.Context, tx bun.Tx, applied Applied) error // what a batch writes besides; may be nil

	agreement *agreement        // nil: nothing to compare
	odd       map[string]string // the classes of the rows about which Go and SQL disagree, by key

	plan Plan
}

func newPlanner(s *Scheduler, e *entry, o PlanOptions, host planHost, stepper Stepper, pacer *throttle.Pacer) *planner {
	p := &planner{s: s, e: e, o: o, host: host, stepper: stepper, pacer: pacer, odd: map[string]string{}}
	p.walk, _ = stepper.(planWalk)
	p.plan = Plan{Transform: e.name, Keys: -1, Pending: -1, Part: PlanFirst, Quarantined: map[string]int{}}
	return p
}

func (p *planner) run(ctx context.Context) (Plan, error) {
	if r, ok := p.stepper.(rehearser); ok {
		if err := r.rehearse(ctx); err != nil {
			return Plan{}, err
		}
	}
	if m, ok := p.e.transform.(agreeing); ok {
		opened, cancel := p.s.opening(ctx, p.e)
		defer cancel()
		var err error
		if p.agreement, err = m.agreement(opened, p.s.db); err != nil {
			return Plan{}, err
		}
	}
	if err := p.sample(ctx); err != nil {
		return Plan{}, err
	}
	p.disagree()
	p.foretell(time.Now())
	p.plan.Warnings = append(p.plan.Warnings, p.warnings()...)
	return p.plan, nil
}

// rehearser is a stepper that has to know that its batches are rolled back.
type rehearser interface {
	rehearse(ctx context.Context) error
}

// sample tries batches.
func (p *planner) sample(ctx context.Context) error {
	var err error
	if p.walk != nil {
		if p.plan.SpreadBy, err = p.walk.spread(ctx, p.o.Batches, p.pacer.Size()); err != nil {
			return err
		}
	}
	after, walked := "", int64(0)
	for i := range p.o.Batches {
		if i > 0 && p.plan.SpreadBy != "" {
			further := false
			if after, further, err = p.walk.jump(ctx, after, i); err != nil {
				return err
			}
			if further {
				p.plan.Part = PlanSpread
			}
		}
		step, err := p.batch(ctx, after)
		if err != nil {
			return err
		}
		walked += int64(step.Keys)
		if step.Last {
			if p.plan.Part == PlanFirst {
				p.plan.Part = PlanWhole
			}
			break
		}
		after = step.Cursor
	}
	if p.plan.Part != PlanSpread {
		p.plan.SpreadBy = ""
	}
	return p.count(ctx, after, walked)
}

// batch tries one batch, more than once if the host wants it.
func (p *planner) batch(ctx context.Context, after string) (Step, error) {
	for {
		size, err := p.host.ready(ctx)
		if err != nil {
			return Step{}, err
		}
		step, err := p.try(ctx, after, size)
		if err == nil {
			return step, nil
		}
		if err := p.host.again(ctx, err); err != nil {
			return Step{}, err
		}
	}
}

// warn says something once.
func (p *planner) warn(text string) {
	if !slices.Contains(p.plan.Warnings, text) {
		p.plan.Warnings = append(p.plan.Warnings, text)
	}
}

// limits are those that hold now: operators may change them meanwhile.
func (p *planner) limits() throttle.Limits { return p.e.pace().limits.WithDefaults() }

// read returns how long queries took since it was last asked.
func (p *planner) read() time.Duration {
	if timer, ok := p.stepper.(readTimer); ok {
		return timer.reading()
	}
	return p.s.cfg.BatchTimeout
}
