package bgtransform

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// lockedTries is how often a row that somebody else has locked is tried before
// it is left to the next pass.
const lockedTries = 3

// mostLocked is how many rows in a row may be left to the next pass because they
// are locked. More are no accident: the whole table is locked.
const mostLocked = 3

// alone reports whether the only row of a range is to blame for an error of this
// class: the database refuses it, or its statement is too slow or its lock held
// however often it is tried, while the range before it could be read.
func (a *attempt) alone(class dialect.Class) bool {
	switch class {
	case dialect.BadRow:
		return true
	case dialect.Timeout:
		return a.retry.Tries() >= transientTries-1
	case dialect.Transient:
		// A revert keeps to the order: the older entry of a row that it stepped
		// over would seem to be overtaken.
		return a.retry.Tries() >= lockedTries && !a.reverting()
	default:
		return false
	}
}

// without goes on behind the one row of a range that cannot be written.
func (a *attempt) without(ctx context.Context, step *Step, class dialect.Class, err error) (ending, bool) {
	switch class {
	case dialect.Transient:
		return a.stepOver(ctx, step, err)
	case dialect.Timeout:
		return a.setAside(ctx, step, "too slow for the database", err)
	default:
		return a.setAside(ctx, step, "refused by the database", err)
	}
}

// setAside puts the one row of a range into quarantine and goes on after it.
func (a *attempt) setAside(ctx context.Context, step *Step, class string, refused error) (ending, bool) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	r := a.behind(step)
	if a.reverting() {
		r.Moved++
	}
	var bad []store.Quarantined
	if !a.skips.Has(step.Cursor) { // else it could not even be read, and is in quarantine already, or accepted
		bad = []store.Quarantined{{Key: step.Cursor, Class: class, Message: refused.Error()}}
	}
	var held int64
	err := a.fence.Tx(ctx, &r, func(ctx context.Context, tx bun.Tx) (err error) {
		if a.reverting() {
			err = a.refuse(ctx, tx, step.Cursor)
		} else {
			held, err = a.fence.Quarantine(ctx, tx, bad)
		}
		return err
	})
	if err != nil {
		a.unsure = true
		return a.lost(ctx, err), true
	}
	if w, ok := a.stepper.(*journalWalk); ok {
		w.refused()
	}
	a.accept(r, bad, held)
	a.retry.Reset()
	if len(bad) > 0 {
		a.log.WarnContext(ctx, "bgtransform: the database refuses a row; it is set aside", "class", class, "rows_set_aside", a.bad)
	}
	if end, over := a.tooManyBad(); over {
		return end, true
	}
	if step.Last {
		return a.passEnd(ctx)
	}
	return ending{}, false
}

// behind returns the checkpoint behind a range of one row.
func (a *attempt) behind(step *Step) store.Range {
	r := a.rec.Range
	r.Batches++
	r.Cursor, r.Keys, r.KeysInPass = step.Cursor, r.Keys+1, r.KeysInPass+1
	return r
}

// stepOver leaves a row that somebody else keeps locked to the next pass, so that
// the rows behind it do not wait for one transaction that its owner forgot. The
// row counts as found, so that the pass completes nothing.
func (a *attempt) stepOver(ctx context.Context, step *Step, locked error) (ending, bool) {
	if a.lockedRows >= mostLocked {
		a.lockedRows = 0
		return a.lost(ctx, locked), true
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	r := a.behind(step)
	r.FoundInPass, r.Moved = r.FoundInPass+1, r.Moved+1
	if err := a.fence.Tx(ctx, &r, nil); err != nil {
		a.unsure = true
		return a.lost(ctx, err), true
	}
	a.lockedRows++
	a.lockedErr = fmt.Errorf("left locked rows to the next pass: %w", locked)
	a.accept(r, nil, 0)
	a.retry.Reset()
	a.log.WarnContext(ctx, "bgtransform: a row stays locked by somebody else; it is left to the next pass")
	if step.Last {
		return a.passEnd(ctx)
	}
	return ending{}, false
}

// stillLocked ends an attempt whose pass has changed nothing and could not,
// because of the rows it stepped over: to walk the table again at once would not
// unlock them.
func (a *attempt) stillLocked() (ending, bool) {
	if a.lockedErr == nil || a.rec.Range.Changed > a.changedAt {
		return ending{}, false
	}
	return a.waitFor(a.lockedErr), true
}
