package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// batch does one batch of size keys: reads the range and runs user code, then writes
// everything in one transaction, and reports to the pacer. The step comes back
// with an error too, when there is one.
func (a *attempt) batch(ctx context.Context, size int) (step *Step, err error) {
	if err := a.settled(ctx); err != nil {
		return nil, err
	}
	start := BatchStartInfo{RunID: a.runID(), Mode: a.rec.Range.Mode, Pass: a.rec.Range.Pass, Batch: a.rec.Range.Batches + 1, Limit: size}
	watched := a.s.watch.batchStart(ctx, start)
	ctx = watched
	var res BatchResult
	defer func() {
		info := BatchEndInfo{BatchStartInfo: start, BatchResult: res}
		if err != nil {
			info.BatchResult, info.Err = BatchResult{}, a.s.safe(err)
		}
		a.s.watch.batchEnd(watched, info)
	}()
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	defer a.e.batchEnds.Store(nil)
	ctx, unguard := a.e.health.guard(ctx)
	defer unguard()

	ctx, used := a.s.spending(ctx)
	began := time.Now()
	step, err = a.read(ctx, size)
	res.Read = time.Since(began)
	if err == nil {
		began = time.Now()
		err = a.commit(ctx, step, &res)
		res.Write = time.Since(began)
	}
	if err != nil {
		a.pacer.Done(a.paced(&res, used))
		return step, withCause(ctx, err)
	}
	a.measure(ctx, step, &res, used)
	return step, nil
}

// bounded returns the context of a batch, which ends with its time, or when the
// window has closed and the grace is over.
func (a *attempt) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	now := time.Now()
	a.batchAt = now
	ends, cause := now.Add(a.s.cfg.BatchTimeout), ErrOverran
	if closes, ok := a.e.pace().window.Closes(now); ok {
		if closes = closes.Add(a.s.cfg.WindowGrace); closes.Before(ends) {
			ends, cause = closes, ErrWindowClosed
		}
	}
	a.e.batchEnds.Store(&ends)
	return context.WithDeadlineCause(ctx, ends, cause)
}

// read asks the stepper for the next range.
func (a *attempt) read(ctx context.Context, size int) (*Step, error) {
	r := a.rec.Range
	step, err := contain(ctx, func() (Step, error) {
		return a.stepper.Step(ctx, Request{After: r.Cursor, Limit: size, Skip: a.skips, Budget: a.budget(), Check: a.checks(), retried: a.retried})
	})
	if err != nil {
		err = foreign(a.stepper, err)
		if step.Keys == 1 && step.Cursor != r.Cursor && !isForeign(err) {
			return &step, err // our own steppers say where it was
		}
		return nil, err
	}
	if !step.Last && (step.Cursor == r.Cursor || step.Keys < 1) {
		return nil, errStuck
	}
	return &step, nil
}

// budget is how long user code may take in one batch before it is cut short.
func (a *attempt) budget() time.Duration {
	return min(10*a.e.pace().limits.WithDefaults().Target, a.s.cfg.BatchTimeout/3)
}

// errStuck ends a walk that would go on for ever.
var errStuck = &safeError{class: "stuck", text: "the cursor did not move although the walk is not at its end"}

// written is what the transaction of a batch has done.
type written struct {
	applied Applied

	journaled int                 // images that the journal keeps
	left      []store.Quarantined // rows that are pending although they were written
	bad       []store.Quarantined // these, and the rows that could not be transformed
	held      int64               // of bad, those that are new to the quarantine
	out       []string            // keys that have left the quarantine
	verify    store.Verification
}

// commit writes the batch and the checkpoint in one transaction.
func (a *attempt) commit(ctx context.Context, step *Step, res *BatchResult) error {
	r := a.rec.Range
	r.Batches++
	r.AdvancedMS = a.rec.Now()
	r.Cursor, r.AtEnd = step.Cursor, false
	r.Keys += int64(step.Keys)
	r.KeysInPass += int64(step.Keys)
	before := r
	r = tallied(before, written{applied: step.expect, journaled: step.journals})
	var w written
	ready := false // the checkpoint's row is ours and everything was written: a step forward is this one
	err := a.fence.BatchTx(ctx, &r, func(ctx context.Context, tx bun.Tx) (err error) {
		if w, err = a.writeBatch(ctx, tx, step, before); err != nil {
			return err
		}
		if r, err = a.recount(ctx, tx, r, tallied(before, w)); err != nil {
			return err
		}
		ready = true
		return nil
	})
	if err != nil && (!ready || !a.committed(ctx, &r)) {
		return err
	}
	*res = BatchResult{
		Keys: step.Keys, Found: w.applied.Found + len(step.Failed), Changed: w.applied.Changed,
		Moved: w.applied.moved(), Quarantined: len(w.bad), Read: res.Read,
	}
	if a.verifying() { // what it finds and does not repair has not moved on: it is listed
		res.Found, res.Moved = 0, 0
		res.Checked, res.Mismatched = step.Checked, len(w.applied.Mismatches)
	}
	if w.applied.Changed > 0 {
		a.first = false
	}
	a.accept(r, w.bad, w.held)
	a.released(w.out)
	a.verify = w.verify
	return nil
}

// writeBatch is the batch's transaction, after the fence and the checkpoint.
func (a *attempt) writeBatch(ctx context.Context, tx bun.Tx, step *Step, before store.Range) (w written, err error) {
	if w.applied, err = a.apply(ctx, tx, step); err != nil {
		return w, err
	}
	if a.verifying() {
		if w.verify, err = a.writeVerified(ctx, tx, step, w.applied); err != nil {
			return w, err
		}
		w.journaled = len(w.applied.Images) // of what was repaired
		return w, a.journal(ctx, tx, before, w.applied.Images)
	}
	if err := a.journal(ctx, tx, before, w.applied.Images); err != nil {
		return w, err
	}
	w.journaled = len(w.applied.Images)
	w.left, err = a.stillPending(ctx, tx, step, w.applied)
	if err != nil {
		return w, err
	}
	w.bad = append(quarantined(step.Failed), w.left...)
	if w.held, err = a.fence.Quarantine(ctx, tx, w.bad); err != nil {
		return w, err
	}
	w.out, err = a.discharge(ctx, tx, w)
	return w, err
}

// tallied returns a checkpoint with what a batch has done added. A verification
// keeps counts of its own, and shares the journal.
func tallied(r store.Range, w written) store.Range {
	r.Journaled += int64(w.journaled)
	if r.Mode == store.ModeVerify {
		return r
	}
	r.FoundInPass += int64(w.applied.Found)
	r.Changed += int64(w.applied.Changed - len(w.left))
	r.Moved += int64(w.applied.moved())
	return r
}

// recount corrects the counts of the checkpoint where the batch did something
// else than was expected.
func (a *attempt) recount(ctx context.Context, tx bun.Tx, expected, actual store.Range) (store.Range, error) {
	if actual == expected {
		return actual, nil
	}
	return actual, a.fence.Counts(ctx, tx, &actual)
}

func (a *attempt) apply(ctx context.Context, tx bun.Tx, step *Step) (Applied, error) {
	if step.Apply == nil {
		return Applied{}, nil
	}
	applied, err := contain(ctx, func() (Applied, error) { return step.Apply(ctx, tx) })
	if err != nil {
		return Applied{}, fmt.Errorf("write rows: %w", foreign(a.stepper, err))
	}
	return applied, nil
}

// committed finds out whether a transaction whose commit failed took place all
// the same, which a connection that breaks at that moment leaves open. When it
// cannot, or when the database holds neither the checkpoint before nor this
// one, the next batch has to settle it.
//
// It is not for a transaction that never came to its commit: a step forward in
// the database is then one of an earlier transaction, whose commit was on its way
// for longer than anybody waited, and the next checkpoint is refused for it.
func (a *attempt) committed(ctx context.Context, r *store.Range) bool {
	a.unsure = true
	rec, err := a.s.store.Get(ctx, a.e.name)
	if err != nil || rec.Range.Attempt != a.fence.Number {
		return false
	}
	switch rec.Range.Beats {
	case r.Beats:
		a.unsure = false
	case r.Beats + 1:
		a.unsure = false
		r.Beats++
		return true
	}
	return false
}

// settle reads how far the transform has come, if a transaction may have been
// committed, or lost, without our knowing: the next checkpoint must follow what
// the database has, and so must the rows to skip.
func (a *attempt) settle(ctx context.Context) error {
	if !a.unsure {
		return nil
	}
	rec, err := a.s.store.Get(ctx, a.e.name)
	if err != nil {
		return err
	}
	if rec.Range.Attempt != a.fence.Number {
		return ErrFenced
	}
	if err := errors.Join(a.loadSkips(ctx), a.loadVerification(ctx)); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "bgtransform: the last checkpoint was unsure; going on from what the database holds",
		"batch", rec.Range.Batches, "believed", a.rec.Range.Batches)
	a.rec.Range, a.rec.Held, a.unsure = rec.Range, rec.Held, false
	a.awaited = awaited{}
	return nil
}

// settled is settle for callers without a deadline.
func (a *attempt) settled(ctx context.Context) error {
	if !a.unsure {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, errSilent)
	defer cancel()
	return withCause(ctx, a.settle(ctx))
}

// accept makes what was committed the attempt's own view.
func (a *attempt) accept(r store.Range, bad []store.Quarantined, held int64) {
	a.rec.Range = r
	if a.skips.keys == nil {
		a.skips.keys = map[string]struct{}{}
	}
	for _, q := range bad {
		if !a.skips.Has(q.Key) {
			a.skips.keys[q.Key] = struct{}{}
			a.bad++
		}
		delete(a.retried.keys, q.Key)
	}
	a.rec.Held += held
	a.beat = time.Now()
}

func quarantined(failed []RowFailure) []store.Quarantined {
	rows := make([]store.Quarantined, len(failed))
	for i, f := range failed {
		rows[i] = store.Quarantined{Key: f.Key, Class: f.Class}
		if f.Err != nil {
			rows[i].Message = f.Err.Error()
		}
	}
	return rows
}

// stillPending checks that rows which were written are no longer pending: a
// condition that never turns false would make the passes go on for ever.
// If none of the run's first rows has turned, the definition is wrong; single
// rows that have not turned go to quarantine.
func (a *attempt) stillPending(ctx context.Context, tx bun.Tx, step *Step, applied Applied) ([]store.Quarantined, error) {
	if step.StillPending == nil || applied.Changed == 0 || !a.checks() {
		return nil, nil
	}
	keys, err := contain(ctx, func() ([]string, error) { return step.StillPending(ctx, tx) })
	if err != nil {
		return nil, fmt.Errorf("check what is still pending: %w", foreign(a.stepper, err))
	}
	if a.rec.Range.Changed == 0 && applied.Changed > 1 && len(keys) >= applied.Changed {
		return nil, errNeverTurns
	}
	bad := make([]store.Quarantined, len(keys))
	for i, key := range keys {
		bad[i] = store.Quarantined{Key: key, Class: string(ReasonStillMatch), Message: "the row was written, and is pending all the same"}
	}
	return bad, nil
}

// checks reports whether a batch is to be looked at with [attempt.stillPending].
func (a *attempt) checks() bool { return a.first || a.rec.Range.Pass > 1 }

// errNeverTurns fails a transform whose definition cannot come to an end.
var errNeverTurns = &safeError{class: string(ReasonStillMatch), text: "the pending condition is still true for every row of a batch after it was written; nothing was changed. The condition must turn false by what the transform writes"}
