package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// An instance that writes only the old column, as after a rollback of the deploy, may
// undo what was done: what it writes to a row is in the old column alone. So each run
// remembers when the walk began since which no such instance may have been there. If
// one was, all rows are walked once more after it has gone; a transform that was
// complete is not, and begins a new run. Under the fence the holder of the lease finds
// that out and writes it down, so that many instances open it once.

// returned reports whether an instance that does not write both sides was there after the
// walk began that the transform's state stands for.
func (p *pool) returned(e *entry, rec store.Record) bool {
	if !e.pooled || rec.Transform.ContractedMS > 0 || rec.Swept() == 0 || rec.Range.Mode == store.ModeRevert {
		return false
	}
	switch State(rec.Transform.State) {
	case StateRunning, StateWaiting, StateComplete:
	default:
		return false
	}
	seen := p.look()
	if seen.at.IsZero() {
		return false
	}
	members := seen.now()
	_, contracted := members.Last(e.name, fleet.After) // its mark may not have been read yet
	return !contracted && !members.Cleared(e.name, rec.Ago(rec.Swept()))
}

// reopens reports whether a complete transform has to begin anew.
func (s *Scheduler) reopens(e *entry, rec store.Record) bool {
	return State(rec.Transform.State) == StateComplete && s.pool.returned(e, rec) && !e.settings.dryRun && !e.superseded(rec) && rec.Intent.Desired == store.Run
}

// resweep has all rows walked once more after an instance was there that does not write
// both sides: at once for a complete transform, which it no longer is; else when the pool
// is ready for it. It reports whether the attempt is over.
func (a *attempt) resweep(ctx context.Context) (ending, bool) {
	if !a.e.pooled {
		return ending{}, false
	}
	a.s.pool.keepUp(ctx, 0) // what this instance has seen last may be a while ago
	asks, unclear := a.s.pool.dispute(a.e, a.rec)
	if a.s.reopens(a.e, a.rec) {
		if unclear {
			return a.askHuman(ctx, asks), true // it was complete, and is so again if there is nothing to do
		}
		if end, over := a.follow(ctx, a.rec.Intent, a.reopen); over {
			return end, true
		}
	}
	if unclear && State(a.rec.Transform.State) == StateWaiting { // from where it cannot fail
		if end, over := a.follow(ctx, a.rec.Intent, a.rewalk); over {
			return end, true
		}
	}
	if unclear && State(a.rec.Transform.State) != StateComplete {
		return ending{state: StateFailed, reason: asks}, true
	}
	if p, holds := a.s.poolHolds(ctx, a.e, a.rec); holds {
		return a.waiting(p), true
	}
	if a.s.pool.returned(a.e, a.rec) && !a.e.settings.dryRun {
		return a.follow(ctx, a.rec.Intent, a.rewalk)
	}
	return ending{}, false
}

// waiting is the ending of an attempt that has not begun.
func (a *attempt) waiting(p pause) ending {
	end := ending{state: StateWaiting, reason: p.reason, wait: p.wait}
	if checkTransition(State(a.rec.Transform.State), StateWaiting) != nil {
		end.state = "" // it has not run yet, or is complete all the same
	}
	return end
}

// reopen begins a new run.
func (a *attempt) reopen(r *store.Range, t *store.Transform, in store.Intent) func(context.Context, bun.Tx) error {
	why, superseded := a.afterwards(), t.Superseded
	in.Mode = store.ModeTransform
	then := a.restart(r, t, in)
	r.Recheck, t.Superseded = a.e.column == nil, superseded
	return a.logged(then, "complete no longer: "+why)
}

// rewalk begins a new pass, in which nobody is counted who was there before.
func (a *attempt) rewalk(r *store.Range, t *store.Transform, in store.Intent) func(context.Context, bun.Tx) error {
	untouched, why := r.Cursor == "" && r.KeysInPass == 0, a.afterwards()
	r.SweptMS, r.Recheck = a.rec.Now(), a.e.column == nil
	if untouched {
		return nil // such as a run that was opened again while that instance was there
	}
	return a.logged(a.anew(r, t, in), "all rows are walked once more: "+why)
}

// logged writes to the operators' log why an attempt begins anew.
func (a *attempt) logged(then func(context.Context, bun.Tx) error, why string) func(context.Context, bun.Tx) error {
	a.log.Warn("bgtransform: rows are transformed again", "reason", why)
	if _, err := verifierOf(a.e.transform); a.e.column == nil && err != nil {
		a.log.Error("bgtransform: what an instance wrote into the old column only, of rows that are not pending, cannot be found", "error", err)
	}
	return func(ctx context.Context, tx bun.Tx) error {
		if then != nil {
			if err := then(ctx, tx); err != nil {
				return err
			}
		}
		return a.fence.Log(ctx, tx, store.Action{Action: "fleet", ByWhom: a.s.cfg.Instance, Why: clip(why, 2000)})
	}
}

// afterwards says who was there, and when.
func (a *attempt) afterwards() string {
	last, found := a.s.pool.look().now().Last(a.e.name, fleet.Before)
	if !found {
		return "an instance wrote only the old column"
	}
	now := time.Now()
	from := now.Add(-last.Joined).Format(time.RFC3339)
	if last.Live {
		return fmt.Sprintf("%s writes only the old column, from %s on", last, from)
	}
	return fmt.Sprintf("%s wrote only the old column from %s to %s", last, from, now.Add(-last.Gone).Format(time.RFC3339))
}

// rechecks reports whether what such an instance wrote is to be looked for by a
// verification: in a transform whose pending condition does not show it.
func (a *attempt) rechecks() bool {
	if !a.rec.Range.Recheck {
		return false
	}
	_, err := verifierOf(a.e.transform)
	return err == nil
}
