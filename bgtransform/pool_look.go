package bgtransform

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// poolTimeout bounds one request to the registry.
const poolTimeout = 5 * time.Second

// registryLeeway is how long a registry is waited for once the time of a request is up.
const registryLeeway = 100 * time.Millisecond

// errRegistrySilent is returned for a request that has no answer.
var errRegistrySilent = &safeError{class: "unavailable", text: "it does not answer"}

// ask calls the registry where it can be left behind: clients are known to ignore their
// context.
func ask[T any](ctx context.Context, within time.Duration, fn func(ctx context.Context) (T, error)) (T, error) {
	type answer struct {
		out T
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	done := make(chan answer, 1)
	go func() { // ends when fn does
		out, err := contain(ctx, func() (T, error) { return fn(ctx) })
		done <- answer{out, err}
	}()
	select {
	case a := <-done:
		return a.out, a.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(registryLeeway)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.out, a.err
	case <-timer.C:
		var none T
		return none, errRegistrySilent
	}
}

// outlast returns a context that ends d after ctx, or when it is released.
func outlast(ctx context.Context, d time.Duration) (context.Context, func()) {
	calm, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(d, func() { cancel(ErrStopped) })
		context.AfterFunc(calm, func() { timer.Stop() })
	})
	return calm, func() {
		stop()
		cancel(nil)
	}
}

// enroll announces this instance, if that is due or something of it has changed. The
// announcement outlasts three that fail.
func (p *pool) enroll(ctx context.Context, every time.Duration, changed bool) error {
	if asked := p.asked(); !maps.Equal(asked, p.member.Asked) {
		p.member.Asked, changed = asked, true
	}
	if !changed && time.Now().Before(p.due) {
		return nil
	}
	m, ttl := p.member, max(p.s.cfg.FleetRules.TTL, 5*every) // 5: the waits are longer by a quarter
	m.TTL = ttl
	m.Stages, m.Next, m.Fled = maps.Clone(m.Stages), maps.Clone(m.Next), maps.Clone(m.Fled)
	// A shutdown does not cut it off: it might arrive after that we have left.
	calm, release := outlast(ctx, time.Second)
	defer release()
	_, err := ask(calm, poolTimeout, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.s.cfg.Fleet.Announce(ctx, m, ttl)
	})
	p.muted(err != nil)
	if err != nil {
		p.due = time.Time{}
		return fmt.Errorf("announce this instance: %w", err)
	}
	p.due, p.enrolled = time.Now().Add(min(ttl/5, every)), true
	return nil
}

// asked returns the stages that are asked of this instance.
func (p *pool) asked() map[string]fleet.Stage {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := make(map[string]fleet.Stage, len(p.held))
	for _, h := range p.held {
		asked[h.e.name] = stageOf(h.asked())
	}
	return asked
}

// refresh looks at the others.
func (p *pool) refresh(ctx context.Context) error {
	all, err := ask(ctx, poolTimeout, p.s.cfg.Fleet.Members)
	if err != nil {
		return fmt.Errorf("look at the pool: %w", err)
	}
	members := fleet.Pool(all).Of(p.s.cfg.App)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = sight{members: members, at: time.Now(), err: p.seen.err, failed: p.seen.failed, mute: p.seen.mute}
	return nil
}

// keepUp looks at the pool for somebody who needs to know, if the last look is older
// than that: the loop looks seldom while all is at rest, and not at all where a transform
// is finished without it. A registry that is down is not asked by each.
func (p *pool) keepUp(ctx context.Context, age time.Duration) {
	if !p.needed.Load() || p.s.cfg.ownFleet && !p.s.ready.Load() {
		return
	}
	p.looking.Lock()
	defer p.looking.Unlock()
	every := p.s.cfg.FleetRules.Every
	if seen := p.look(); time.Since(seen.at) <= age || seen.err != nil && time.Since(seen.failed) < every {
		return
	}
	if err := p.refresh(ctx); err != nil || !p.look().mute { // that others are seen does not mean that we are
		p.missed(ctx, err)
	}
}

// muted keeps whether this instance could not announce itself.
func (p *pool) muted(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.mute = is
}

// missed keeps why the pool could not be seen. What was seen before stays.
func (p *pool) missed(ctx context.Context, err error) {
	p.mu.Lock()
	first := err != nil && p.seen.err == nil && ctx.Err() == nil
	p.seen.err = err
	if err != nil {
		p.seen.failed = time.Now()
	}
	p.mu.Unlock()
	if first {
		p.s.cfg.Logger.WarnContext(ctx, "bgtransform: the pool cannot be seen", "error", p.s.poolError(err))
	}
}

// leave says that this instance is gone.
func (p *pool) leave(ctx context.Context) {
	if !p.enrolled {
		return
	}
	p.enrolled, p.due = false, time.Time{} // who watches next announces this instance anew
	ctx = context.WithoutCancel(ctx)
	_, err := ask(ctx, time.Second, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.s.cfg.Fleet.Leave(ctx, p.member)
	})
	if err != nil {
		p.s.cfg.Logger.DebugContext(ctx, "bgtransform: cannot leave the pool", "error", p.s.poolError(err))
	}
}

// contract writes down for ever that ours are contracted, before anybody can see it.
func (p *pool) contract(ctx context.Context) error {
	if p.marked || len(p.s.cfg.Contracted) == 0 {
		return nil
	}
	if !p.s.ready.Load() {
		return nil // the pool sees it all the same
	}
	ctx, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	err := p.s.store.Contract(ctx, p.s.cfg.Contracted, p.s.cfg.Instance)
	p.marked = err == nil
	return err
}

// poolError spells an error of the registry without quoting values.
func (s *Scheduler) poolError(err error) string {
	if s.cfg.ownFleet {
		return s.safeText(err)
	}
	return err.Error()
}
