package bgtransform

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
)

// pool is what this instance knows of the others, and what it tells them of itself. One
// loop looks and announces; everybody else reads what it has seen last.
type pool struct {
	s      *Scheduler
	wakes  chan struct{} // holds at most one wake-up of the loop
	loop   chan struct{} // holds one element while somebody watches
	needed atomic.Bool   // some transform of the pool, ours or another's, needs it

	member   fleet.Member    // what this instance says; the loop's own
	marked   bool            // that ours are contracted is written down; the loop's own
	due      time.Time       // by when it is to announce itself again; the loop's own
	wait     time.Duration   // between looks, as it was last; the loop's own
	open     map[string]bool // of our transforms, that they may run; the loop's own
	enrolled bool            // it has announced itself; the loop's own

	unsettled bool // one of ours that are contracted is in dispute; the loop's own

	looking sync.Mutex // held by who looks because it needs to know; never by the loop

	mu   sync.Mutex
	seen sight
	held []*phaser
	told map[string]string // what was logged of conflicts, by the transform
}

// sight is what was seen of the pool at one moment.
type sight struct {
	members fleet.Pool
	at      time.Time // when the answer came; zero: nothing was seen yet
	err     error     // of the last look; nil if it is that of at
	failed  time.Time // when that was
	mute    bool      // this instance could not announce itself
}

// now returns the pool as it is now, as far as it is known.
func (s sight) now() fleet.Pool { return s.members.Aged(time.Since(s.at)) }

func newPool(s *Scheduler) *pool {
	p := &pool{s: s, wakes: make(chan struct{}, 1), loop: make(chan struct{}, 1), told: map[string]string{}, open: map[string]bool{}, member: fleet.Member{
		Instance: s.cfg.Instance, Term: rand.Text(), App: s.cfg.App, Version: s.cfg.Version, Build: s.cfg.Build,
		Stages: map[string]fleet.Stage{}, Fled: map[string]fleet.Stage{},
	}}
	for _, name := range s.cfg.Contracted {
		p.member.Stages[name] = fleet.After
	}
	p.needed.Store(!s.cfg.ownFleet || len(s.cfg.Contracted) > 0)
	return p
}

// join takes a transform that needs the pool into it. It does no I/O.
func (p *pool) join(e *entry) {
	_, dual := e.transform.(DualWriter)
	if !dual && !e.transform.Definition().Options.DualWritten {
		return
	}
	e.pooled = true
	if err := p.hold(e, p.s.flags.of(e.name).phase); err != nil {
		p.s.cfg.Logger.Error("bgtransform: a transform does not return its column, so its phase is nobody's", "transform", e.name, "error", err)
	}
	p.member.Stages[e.name] = fleet.Old
	if e.column != nil {
		p.member.Stages[e.name] = stageOf(e.column.Phase())
	}
	p.needed.Store(true)
}

// wake makes the loop look at once; it never blocks.
func (p *pool) wake() {
	select {
	case p.wakes <- struct{}{}:
	default:
	}
}

// need has the instance announce itself from now on.
func (p *pool) need() {
	if !p.needed.Swap(true) {
		p.wake()
	}
}

// look returns what was seen last.
func (p *pool) look() sight {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// watchPool announces this instance, looks at the others, and moves the phases of our
// columns. It ends with ctx, after it has said so, a second later at the latest.
//
// It is no part of the poll for operators, because a registry that hangs must not
// keep them waiting. A second one waits until the first has ended: a transform may be
// finished in the foreground with Run beside it or without.
func (s *Scheduler) watchPool(ctx context.Context, entries []*entry) {
	p := s.pool
	select {
	case p.loop <- struct{}{}:
		defer func() { <-p.loop }()
	case <-ctx.Done():
		return
	}
	p.member.Started = time.Now()
	for ctx.Err() == nil {
		wait := p.round(ctx, entries)
		var expired <-chan time.Time
		var timer *time.Timer
		if wait > 0 {
			timer = time.NewTimer(wait + backoff.Jitter(wait/4))
			expired = timer.C
		}
		select {
		case <-ctx.Done():
		case <-p.wakes:
		case <-expired:
		}
		if timer != nil {
			timer.Stop()
		}
	}
	p.leave(ctx)
}

// round is one look with all that follows from it. It returns how long to wait for the
// next; 0 means until woken.
func (p *pool) round(ctx context.Context, entries []*entry) time.Duration {
	if !p.needed.Load() || p.s.cfg.ownFleet && !p.s.ready.Load() {
		return 0
	}
	p.wait = p.pace(entries)
	err := p.contract(ctx)
	if err == nil && !p.enrolled {
		if err = p.arrive(ctx); err == nil {
			p.conflicts(ctx, entries) // as they are before the others can give way
		}
	}
	if err == nil {
		p.observe(entries)
		err = p.enroll(ctx, p.wait, false)
	}
	if err == nil {
		err = p.refresh(ctx)
	}
	if err == nil {
		p.judgeDisputes(ctx)
		err = p.step(ctx, p.wait)
	}
	p.missed(ctx, err)
	p.conflicts(ctx, entries)
	p.poke(entries)
	wait := p.pace(entries)
	if err != nil {
		return min(wait, p.s.cfg.FleetRules.Every)
	}
	if wait > p.wait && p.enroll(ctx, wait, true) != nil { // or the announcement would expire before
		return p.wait
	}
	return wait
}

// observe takes over the phases of columns that the pool does not hold.
func (p *pool) observe(entries []*entry) {
	for _, e := range entries {
		if e.column != nil && e.phases == nil {
			p.member.Stages[e.name] = stageOf(e.column.Phase())
		}
	}
}

// pace returns how often to look: seldom when all that needs the pool is complete and
// nobody reads a new column, which an instance that comes back may leave out of date; often while
// phases are on their way.
func (p *pool) pace(entries []*entry) time.Duration {
	every := p.s.cfg.FleetRules.Every
	if p.moving() {
		return max(every/5, time.Millisecond)
	}
	if p.unsettled {
		return every
	}
	for _, e := range entries {
		if !e.pooled || e.settings.disabled != "" {
			continue
		}
		if rec := e.look().record; rec == nil || State(rec.Transform.State) != StateComplete || p.readsNew(e.name) {
			return every
		}
	}
	return max(every, p.s.cfg.IdlePoll)
}

// readsNew reports whether this instance reads the new column of a move that has an old one.
func (p *pool) readsNew(name string) bool {
	stage := p.member.Stages[name]
	return stage.WritesBoth() && stage != fleet.Old
}

// poke wakes the loops for which something has changed: what they wait for has come, or an
// instance that takes complete back.
func (p *pool) poke(entries []*entry) {
	for _, e := range entries {
		rec := e.look().record
		if !e.pooled || rec == nil {
			continue
		}
		ready := p.may(e, *rec).OK
		if ready != p.open[e.name] || State(rec.Transform.State) == StateComplete && p.returned(e, *rec) {
			e.poke()
		}
		p.open[e.name] = ready
	}
}
