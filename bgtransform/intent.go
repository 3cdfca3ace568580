package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// obey follows what operators want, their settings first: it is called with the
// intent at the start of an attempt and before each batch, and reports whether the
// attempt is over.
func (a *attempt) obey(ctx context.Context, in store.Intent) (ending, bool) {
	a.s.tune(ctx, a.e, in)
	if p, unreadable := a.e.unreadable(); unreadable {
		end := ending{state: StateWaiting, reason: p.reason, wait: p.wait}
		if checkTransition(State(a.rec.Transform.State), StateWaiting) != nil {
			end.state = "" // it has not run yet
		}
		return end, true
	}
	if end, over := a.handOver(in); over {
		return end, true
	}
	wish, _ := wishOf(State(a.rec.Transform.State), in)
	asked := in.Restarts > a.rec.Range.Restarts || in.Retries > a.rec.Range.Retries
	switch {
	case wish == StatePaused:
		return ending{state: StatePaused, reason: operatorReason(ReasonPaused, "paused", in)}, true
	case wish == StateCancelled:
		return ending{state: StateCancelled, reason: operatorReason(ReasonCancelled, "cancelled", in)}, true
	case asked && a.e.settings.dryRun: // a dry run changes nothing; a real one will follow the wish
	case in.Restarts > a.rec.Range.Restarts:
		return a.follow(ctx, in, a.restart)
	case in.Retries > a.rec.Range.Retries:
		return a.follow(ctx, in, a.anew)
	case in.Verifies > a.rec.Range.Verifies && State(a.rec.Transform.State) == StateComplete:
		return a.followVerify(ctx, in)
	case in.Revision != a.rec.Intent.Revision: // somebody has accepted rows, perhaps
		a.rec.Intent = in
		if err := a.loadSkips(ctx); err != nil {
			return a.lost(ctx, err), true
		}
	}
	a.rec.Intent = in
	return ending{}, false
}

// wishOf returns the state, paused or cancelled, that an operator wants the
// transform in, and whether it is not there yet. A wish that was overtaken,
// such as a pause that met the last batch, is void: it comes back empty.
func wishOf(from State, in store.Intent) (to State, ahead bool) {
	switch in.Desired {
	case store.Paused:
		to = StatePaused
	case store.Cancelled:
		to = StateCancelled
	}
	if to == "" || checkTransition(from, to) != nil {
		return "", false
	}
	return to, to != from
}

func operatorReason(code ReasonCode, what string, in store.Intent) Reason {
	text := what
	if in.ByWhom != "" {
		text += " by " + in.ByWhom
	}
	if in.Why != "" {
		text += ": " + in.Why
	}
	return Reason{Code: code, Text: text}
}

// follow carries out a restart or a retry, durably, before anything else.
func (a *attempt) follow(ctx context.Context, in store.Intent, how func(r *store.Range, t *store.Transform, in store.Intent) func(context.Context, bun.Tx) error) (ending, bool) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	r, t, mode := a.rec.Range, a.rec.Transform, a.rec.Range.Mode
	more := how(&r, &t, in)
	r.Restarts, r.Retries = in.Restarts, in.Retries
	if err := a.write(ctx, r, &t, activeIn(r.Mode), more); err != nil {
		return a.lost(ctx, fmt.Errorf("follow the operator: %w", err)), true
	}
	rec, err := a.s.store.Get(ctx, a.e.name)
	if err == nil {
		a.rec.Intent, a.rec.Held, a.rec.Accepted = in, rec.Held, rec.Accepted
		err = a.loadSkips(ctx)
	}
	if err != nil {
		return a.lost(ctx, err), true
	}
	if a.stepper != nil && (r.Mode != mode || a.reverting()) { // a revert remembers what was refused
		if err := a.openWalk(ctx); err != nil {
			return a.opening(ctx, err), true
		}
	}
	return ending{}, false
}

// restart begins a new run at the first row, in the mode that was asked for. A
// transform's begins with an empty quarantine.
func (a *attempt) restart(r *store.Range, t *store.Transform, in store.Intent) func(context.Context, bun.Tx) error {
	*r = store.Range{
		Name: r.Name, RangeNo: r.RangeNo, LowKey: r.LowKey, HighKey: r.HighKey,
		Attempt: r.Attempt, Holder: r.Holder, Beats: r.Beats, QuietMS: r.QuietMS, Journaled: r.Journaled,
		Run: r.Run + 1, Mode: in.Mode, Pass: 1, Remaining: -1, WindowText: r.WindowText,
		Verifies: in.Verifies, // the wish was for what is no more
		SweptMS:  a.rec.Now(), Recheck: r.Recheck,
		AdvancedMS: a.rec.Now(), StuckMS: r.StuckMS,
	}
	t.StartedMS, t.CompletedMS, t.LastError, t.LastErrorMS = time.Now().UnixMilli(), 0, "", 0
	if in.Mode == store.ModeTransform {
		t.Definition, t.Superseded = a.e.defined, ""
	}
	return func(ctx context.Context, tx bun.Tx) error {
		if err := a.fence.EndVerification(ctx, tx, store.VerifyStopped, "the transform began anew"); err != nil || in.Mode != store.ModeTransform {
			return err
		}
		return a.fence.DischargeAll(ctx, tx)
	}
}

// anew begins a new pass of the same run; a revert's tries again what the
// database has refused.
func (a *attempt) anew(r *store.Range, t *store.Transform, _ store.Intent) func(context.Context, bun.Tx) error {
	newPass(r)
	r.Share = 0
	t.CompletedMS = 0
	if r.Mode == store.ModeRevert {
		return func(ctx context.Context, tx bun.Tx) error { return a.fence.Reopen(ctx, tx) }
	}
	return nil
}

// newPass begins a pass. Its pace is not that of the one before, most likely that of
// a pass with nothing to write.
func newPass(r *store.Range) {
	r.Pass++
	r.RatedSecs, r.RowsPerSec = 0, r.ReadRate
	r.Began, r.Cursor, r.AtEnd, r.KeysInPass, r.FoundInPass, r.Remaining = store.BeganUnclear, "", false, 0, 0, -1
}
