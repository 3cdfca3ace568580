package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// may judges whether the rows of a transform may be written now.
func (p *pool) may(e *entry, rec store.Record) fleet.Verdict {
	mode := modeWanted(rec)
	switch {
	case mode == store.ModeVerify && !rec.Intent.VerifyMend && !rec.Range.Recheck:
		return fleet.Verdict{OK: true}
	case rec.Transform.ContractedMS > 0:
		return fleet.Verdict{Conflict: true, Why: contractedText(rec)}
	case !e.pooled:
		return fleet.Verdict{OK: true}
	}
	seen, rules := p.look(), p.s.cfg.FleetRules
	if age := time.Since(seen.at); age > rules.Trust || seen.at.IsZero() {
		return fleet.Verdict{Why: p.unseen(seen)}
	}
	v := seen.now().Start(e.name, rules)
	if e.settings.now { // somebody finishes it here and now, perhaps where nobody else is
		v = seen.now().Settled(e.name, rules)
	}
	if mode == store.ModeRevert && !v.Conflict {
		return fleet.Verdict{OK: true} // it makes nothing of old values
	}
	return v
}

// unseen says why the pool is not known well enough.
func (p *pool) unseen(seen sight) string {
	switch {
	case seen.err != nil:
		return "the pool cannot be seen: " + p.s.poolError(seen.err)
	case seen.at.IsZero():
		return "the pool has not been seen yet"
	default:
		return fmt.Sprintf("the pool was seen %s ago for the last time", time.Since(seen.at).Round(time.Second))
	}
}

// poolPause is the wait for what a verdict says.
func (s *Scheduler) poolPause(v fleet.Verdict) pause {
	r, wait := Reason{Code: ReasonFleet, Text: v.Why}, s.cfg.FleetRules.Every
	if v.In > 0 {
		r.Until = time.Now().Add(v.In)
		wait = min(wait, v.In+time.Millisecond)
	}
	return pause{r, backoff.Jitter(wait)}
}

// poolHolds keeps a transform from starting while the pool is not ready for it.
func (s *Scheduler) poolHolds(ctx context.Context, e *entry, rec store.Record) (pause, bool) {
	if e.pooled {
		s.pool.keepUp(ctx, 2*s.cfg.FleetRules.Every)
	}
	v := s.pool.may(e, rec)
	if v.OK {
		return pause{}, false
	}
	p := s.poolPause(v)
	if seen := s.pool.look(); s.cfg.ownFleet && seen.mute && seen.err != nil { // the table is in the app's own database
		p.reason = Reason{Code: ReasonDatabase, Text: s.pool.unseen(seen)}
	}
	return p, true
}

// heedPool ends an attempt that the pool is not ready for any more.
func (a *attempt) heedPool(ctx context.Context) (ending, bool) {
	if !a.e.pooled || time.Since(a.poolAt) < listenEvery {
		return ending{}, false
	}
	a.poolAt = time.Now()
	p, holds := a.s.poolHolds(ctx, a.e, a.rec)
	switch {
	case holds:
	case a.s.pool.returned(a.e, a.rec) && !a.e.settings.dryRun:
		p = pause{Reason{Code: ReasonFleet, Text: "an instance was there that writes only the old column; all rows are walked once more"}, soon}
	default:
		return ending{}, false
	}
	return ending{state: StateWaiting, reason: p.reason, wait: p.wait}, true
}

// contractsInOrder reports whether nothing is wrong with an instance that writes only the
// new column: all rows are moved, and reads are where they are right beside it.
func (p *pool) contractsInOrder(e *entry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.phases != nil && !e.phases.unmoved && e.phases.stage == fleet.New && !e.phases.step.Conflict
}

// conflicts logs, once, what nobody but a human can end.
func (p *pool) conflicts(ctx context.Context, entries []*entry) {
	found := map[string]string{}
	members := p.look().now()
	for _, e := range entries {
		v := members.Start(e.name, p.s.cfg.FleetRules)
		if e.pooled && v.Conflict && !p.contractsInOrder(e) {
			found[e.name] = v.Why
		}
	}
	for _, name := range p.s.cfg.Contracted {
		if v := members.Contract(name, p.member.Term); v.Conflict {
			found[name] = "this version of the app has no old column any more, and " + v.Why + "; roll it back until all are in phase new"
		}
	}
	p.mu.Lock()
	was := p.told
	p.told = found
	p.mu.Unlock()
	for name, why := range found {
		if was[name] == "" {
			p.s.cfg.Logger.ErrorContext(ctx, "bgtransform: the pool is in stages of a move that may not live side by side", "transform", name, "reason", why)
		}
	}
}
