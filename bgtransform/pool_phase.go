package bgtransform

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// phaser moves the phase of one column towards the one that is asked for, as far as the
// pool allows. What others read of it is behind the pool's mu.
type phaser struct {
	e      *entry
	column HeldColumn
	flag   *dualread.Phase // by a flag; nil: none
	tuned  *dualread.Phase // by an operator, over flags; nil: none
	stage  fleet.Stage     // in which reads are
	step   fleet.Step      // what the pool has said last
	known  bool            // it has said something

	behind, unmoved bool // as of the last time that the record could be read
}

// hold takes the phase of a transform's column into the pool's hands. Until the pool has
// been seen, it is one step before the one asked for: right beside instances that are
// where this one is to come, and beside those that are not there yet.
func (p *pool) hold(e *entry, flag *dualread.Phase) error {
	dual, ok := e.transform.(DualWriter)
	if !ok {
		return nil
	}
	column, err := contain(context.Background(), func() (DualColumn, error) { return dual.DualColumn(), nil })
	if err != nil || column == nil {
		return cmp.Or(err, errNoColumn)
	}
	e.column = column
	held, ok := column.(HeldColumn)
	if !ok {
		return nil // it announces the phase that it is in
	}
	h := &phaser{e: e, column: held, flag: flag, unmoved: true}
	held.Hold(p.wake)
	h.enter(before(stageOf(h.asked())))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = append(p.held, h)
	e.phases = h
	return nil
}

// errNoColumn is for a [DualWriter] that returns nil.
var errNoColumn = errors.New("DualColumn returns nil")

// before returns the stage one step before another, within those that write both.
func before(s fleet.Stage) fleet.Stage {
	switch s {
	case fleet.New:
		return fleet.Compare
	case fleet.Compare:
		return fleet.Fallback
	default:
		return fleet.Old
	}
}

func stageOf(p dualread.Phase) fleet.Stage { return fleet.Stage(p.String()) }

// asked returns the phase that is asked for: by operators, else by a flag, else by code.
func (h *phaser) asked() dualread.Phase {
	if h.tuned != nil {
		return *h.tuned
	}
	return h.plain()
}

// plain is what is asked for where no operator has.
func (h *phaser) plain() dualread.Phase {
	if h.flag != nil {
		return *h.flag
	}
	return h.column.Asked()
}

// enter puts reads into a stage.
func (h *phaser) enter(s fleet.Stage) {
	phase, err := dualread.ParsePhase(string(s))
	if err == nil && h.column.Enter(phase) == nil {
		h.stage = s
	}
}

// step moves every phase by one step at most. It announces what it is about to do, looks
// again, and does it only if it still may: of two instances that move at the same time,
// at least one sees the other. What is wrong as it is, is left at once.
func (p *pool) step(ctx context.Context, every time.Duration) error {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if len(held) == 0 {
		return nil
	}
	if err := p.ahead(ctx, held); err != nil {
		return err
	}
	next := map[string]fleet.Stage{}
	left := false
	for _, h := range held {
		switch to := p.judge(h); {
		case to == h.stage:
		case to == fleet.Old && h.step.Urgent:
			p.enter(ctx, h, to)
			left = true
		default:
			next[h.e.name] = to
		}
	}
	if len(next) == 0 {
		if left {
			return p.enroll(ctx, every, true)
		}
		return nil
	}
	p.member.Next = next
	err := errors.Join(p.enroll(ctx, every, true), p.refresh(ctx))
	p.member.Next = nil
	if err != nil {
		p.due = time.Time{} // what it is about to do does not hold any more
		return err
	}
	for _, h := range held {
		if to, ok := next[h.e.name]; ok && p.judge(h) == to {
			p.enter(ctx, h, to)
		}
	}
	return p.enroll(ctx, every, true)
}

// arrive looks at the others before this instance says in which phase it is: who joins
// gives way.
func (p *pool) arrive(ctx context.Context) error {
	if err := p.refresh(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	_ = p.ahead(ctx, held) // where it is not known that all rows are moved, they are not
	for _, h := range held {
		if to := p.judge(h); h.step.Far {
			p.enter(ctx, h, to)
		}
	}
	return nil
}

// judge asks the pool for the next stage of a phase.
func (p *pool) judge(h *phaser) fleet.Stage {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.step = p.seen.now().Step(fleet.Ask{
		Move: h.e.name, Term: p.member.Term, Now: h.stage, Want: stageOf(h.asked()), Behind: h.behind, Unmoved: h.unmoved,
	}, p.s.cfg.FleetRules)
	h.known = true
	return h.step.Stage
}

func (p *pool) enter(ctx context.Context, h *phaser, to fleet.Stage) {
	p.mu.Lock()
	was := h.stage
	h.enter(to)
	p.member.Stages[h.e.name] = h.stage
	if h.step.Urgent {
		p.member.Fled[h.e.name] = was
	} else {
		delete(p.member.Fled, h.e.name)
	}
	why := h.step.Why
	p.mu.Unlock()
	p.s.cfg.Logger.InfoContext(ctx, "bgtransform: phase", "transform", h.e.name, "phase", string(to), "was", string(was), "reason", why)
}

// ahead finds out what operators ask for, whether rows are behind what instances wrote
// that do not write both sides, and whether some were never moved.
func (p *pool) ahead(ctx context.Context, held []*phaser) error {
	for _, h := range held {
		rec, err := p.record(ctx, h.e)
		if err != nil && !errors.Is(err, store.ErrNotFound) { // not found: it has never run
			return err
		}
		behind := p.behind(h.e.name, rec)
		tuned := tunedPhase(rec.Intent)
		p.mu.Lock()
		h.behind, h.unmoved, h.tuned = behind, !moved(rec), tuned
		p.mu.Unlock()
	}
	return nil
}

// moved reports whether all rows were moved: the transform is complete, or was until a
// human had to be asked.
func moved(rec store.Record) bool {
	return State(rec.Transform.State) == StateComplete || disputed(rec)
}

// behind reports whether rows that an instance wrote which does not write both sides have
// not all been transformed since. Once the old columns are out of date they never will be.
func (p *pool) behind(name string, rec store.Record) bool {
	members := p.look().now()
	if _, found := members.Last(name, fleet.Before); !found || rec.Transform.ContractedMS > 0 {
		return false
	}
	return State(rec.Transform.State) != StateComplete || !members.Cleared(name, rec.Ago(rec.Swept()))
}

// record returns what is known of a transform, from the database unless it was read lately.
func (p *pool) record(ctx context.Context, e *entry) (store.Record, error) {
	if rec := e.look().record; rec != nil && time.Since(rec.At) < p.wait {
		return *rec, nil
	}
	ctx, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	rec, err := p.s.store.Get(ctx, e.name)
	if err == nil {
		e.update(func(v *view) {
			if v.record == nil {
				v.record, v.revision = &rec, rec.Intent.Revision
			}
		})
	}
	return rec, err
}

// tunedPhase returns the phase that an operator has set; nil for none.
func tunedPhase(in store.Intent) *dualread.Phase {
	changed, err := in.Changed()
	if err != nil {
		return nil // the status says so
	}
	set, ok := changed[string(SettingPhase)]
	if !ok {
		return nil
	}
	phase, err := dualread.ParsePhase(set.Value)
	if err != nil {
		return nil
	}
	return &phase
}

// moving reports whether a phase is on its way, and nobody but neighbours holds it up.
func (p *pool) moving() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.held {
		if h.known && !h.step.Conflict && !h.behind && h.step.Moving {
			return true
		}
	}
	return false
}
