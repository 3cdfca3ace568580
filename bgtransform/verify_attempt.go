package bgtransform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// maxMismatches is how many rows a verification keeps for operators to look
// at. More are counted.
const maxMismatches = 1000

func (a *attempt) verifying() bool { return a.rec.Range.Mode == store.ModeVerify }

// verifyWanted reports whether a verification is under way, or asked for.
func verifyWanted(rec store.Record) bool {
	in, r := rec.Intent, rec.Range
	return State(rec.Transform.State) == StateComplete && (r.Mode == store.ModeVerify || (in.Verify && in.Verifies > r.Verifies))
}

// stopsVerify reports whether an operator wants a verification to stop, for
// which nobody waits for a window.
func stopsVerify(rec store.Record) bool {
	return verifyWanted(rec) && !rec.Intent.Verify && rec.Intent.Verifies > rec.Range.Verifies
}

// unverifiable says what a transform lacks to be verified.
type unverifiable struct{ safe *safeError }

func (e *unverifiable) Error() string { return e.safe.text }

func (e *unverifiable) Unwrap() error { return e.safe }

func isUnverifiable(err error) bool {
	_, ok := errors.AsType[*unverifiable](err)
	return ok
}

// openVerify opens what looks at the rows again.
func (a *attempt) openVerify(ctx context.Context) (Stepper, error) {
	v, err := verifierOf(a.e.transform)
	if err != nil {
		return nil, &unverifiable{&safeError{class: "unverifiable", text: err.Error()}}
	}
	return v.OpenVerify(ctx, a.s.db, VerifyRequest{
		VerifyOptions: VerifyOptions{Sample: cmp.Or(a.verify.Share, 1), Repair: a.verify.Mend}, Number: a.verify.No,
	})
}

// loadVerification reads how far the verification under way is.
func (a *attempt) loadVerification(ctx context.Context) error {
	if !a.verifying() {
		return nil
	}
	all, err := a.s.store.Verifications(ctx, a.e.name)
	a.verify = all[a.e.name]
	return err
}

// followVerify begins a verification, or stops the one that is under way.
func (a *attempt) followVerify(ctx context.Context, in store.Intent) (ending, bool) {
	if a.e.settings.dryRun {
		a.rec.Intent = in
		return ending{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	r, t := a.rec.Range, a.rec.Transform
	r.Verifies = in.Verifies
	var more func(ctx context.Context, tx bun.Tx) error
	if in.Verify {
		more = a.beginVerify(&r, store.Verification{Share: in.VerifyShare, Mend: in.VerifyMend, ByWhom: in.ByWhom})
	} else {
		r.Mode = store.ModeTransform
		more = func(ctx context.Context, tx bun.Tx) error {
			return a.fence.EndVerification(ctx, tx, store.VerifyStopped, operatorReason("", "stopped", in).Text)
		}
	}
	if err := a.write(ctx, r, &t, StateComplete, more); err != nil {
		return a.lost(ctx, fmt.Errorf("follow the operator: %w", err)), true
	}
	a.rec.Intent, a.opened = in, "" // a new walk needs a new stepper
	if !in.Verify {
		return ending{state: StateComplete}, true
	}
	return ending{}, false
}

// beginVerify makes the range's cursor that of a verification. It is a pass of
// its own, because a revert relies on it that none has journaled a row twice.
func (a *attempt) beginVerify(r *store.Range, v store.Verification) func(ctx context.Context, tx bun.Tx) error {
	r.Mode = store.ModeVerify
	newPass(r)
	return func(ctx context.Context, tx bun.Tx) error { return a.fence.BeginVerification(ctx, tx, &v) }
}

// writeVerified keeps what a batch of a verification has found.
func (a *attempt) writeVerified(ctx context.Context, tx bun.Tx, step *Step, applied Applied) (store.Verification, error) {
	v := a.verify
	room := max(0, maxMismatches-int(v.Found()))
	rows := make([]store.Mismatch, 0, min(room, len(applied.Mismatches)))
	for _, m := range applied.Mismatches {
		switch class := m.Class; {
		case class == MismatchPending:
			v.Pending++
		case strings.HasPrefix(class, MismatchUnchecked):
			v.Unchecked++
		default:
			v.Wrong++
		}
		if m.Repaired {
			v.Repaired++
		}
		if len(rows) < room {
			rows = append(rows, store.Mismatch{Key: m.Key, Class: m.Class, Differs: strings.Join(m.Columns, ", "), Repaired: m.Repaired})
		}
	}
	v.Checked += int64(step.Checked)
	if err := a.fence.AddMismatches(ctx, tx, rows); err != nil {
		return v, err
	}
	return v, a.fence.SetVerification(ctx, tx, &v)
}

// verified ends a verification that has come to the last key. If it has found
// rows that are pending, the transform was not complete after all, and goes on.
func (a *attempt) verified(ctx context.Context) (ending, bool) {
	v, r, t, to := a.verify, a.rec.Range, a.rec.Transform, StateComplete
	v.State, r.Mode = store.VerifyDone, store.ModeTransform
	if v.Pending > 0 {
		newPass(&r)
		t.CompletedMS, to = 0, StateRunning
	}
	err := a.write(ctx, r, &t, to, func(ctx context.Context, tx bun.Tx) error { return a.fence.SetVerification(ctx, tx, &v) })
	if err != nil {
		return a.passFailed(ctx, err)
	}
	a.verify = v
	a.log.InfoContext(ctx, "bgtransform: verified", "rows", v.Checked, "wrong", v.Wrong, "repaired", v.Repaired,
		"pending", v.Pending, "unchecked", v.Unchecked, "sample", v.Share)
	a.show()
	if to == StateComplete {
		return ending{state: StateComplete}, true
	}
	a.log.WarnContext(ctx, "bgtransform: complete, but a verification has found rows that are pending; going on with them")
	return ending{}, false
}

// leaveVerify turns the end of an attempt at a verification into one of a
// transform that is complete all the same.
func (a *attempt) leaveVerify(end ending) ending {
	switch end.state {
	case StateFailed:
		a.verify.State, a.verify.Reason = store.VerifyFailed, end.reason.Text
		end.state, end.reason = StateComplete, Reason{}
	case StateWaiting:
		end.state = StateComplete
	default: // it is complete, or nothing may be written
	}
	return end
}

// atLeave returns what else is written when an attempt leaves: that a
// verification has failed, or that one begins by itself.
func (a *attempt) atLeave(end ending, r *store.Range) func(ctx context.Context, tx bun.Tx) error {
	failed := a.verifying() && a.verify.State == store.VerifyFailed
	if failed {
		r.Mode = store.ModeTransform
	}
	var begin func(ctx context.Context, tx bun.Tx) error
	if a.verifiesItself(end) {
		v := store.Verification{Share: a.e.sample, ByWhom: "Options.VerifySample"}
		if a.rechecks() {
			v, r.Recheck = store.Verification{Share: 1, Mend: true, ByWhom: "fleet"}, false
		}
		begin = a.beginVerify(r, v)
		if !a.rec.Intent.Verify {
			r.Verifies = a.rec.Intent.Verifies // an old wish to stop is not for this one
		}
	}
	return func(ctx context.Context, tx bun.Tx) error {
		if failed {
			if err := a.fence.EndVerification(ctx, tx, store.VerifyFailed, a.verify.Reason); err != nil {
				return err
			}
		}
		if begin != nil {
			if err := begin(ctx, tx); err != nil {
				return err
			}
		}
		return a.fence.Leave(ctx, tx)
	}
}

// verifiesItself reports whether a transform that has just become complete is
// to be verified without being asked.
func (a *attempt) verifiesItself(end ending) bool {
	return end.state == StateComplete && a.rec.Range.Mode == store.ModeTransform &&
		State(a.rec.Transform.State) != StateComplete && (a.e.sample > 0 || a.rechecks())
}

// soon is the wait of a loop that has more to do.
const soon = time.Millisecond
