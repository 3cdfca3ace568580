package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// journalWalk is the stepper of a revert: it walks the journal, the newest
// entry first. Its cursor is an entry's position.
type journalWalk struct {
	store *store.Store
	fence store.Attempt
	undo  Undoer
	left  *leftRows

	entries []store.JournalEntry // of the last step
}

// openRevert opens the transform's journal.
func (a *attempt) openRevert(ctx context.Context) (Stepper, error) {
	kind, ok := a.e.transform.(Reverter)
	if !ok {
		return nil, &schemaError{fmt.Sprintf("this kind of transform (%T) cannot be reverted by this version of the app: it does not implement bgtransform.Reverter", a.e.transform)}
	}
	undo, err := kind.OpenRevert(ctx, a.s.db)
	if err != nil {
		if !isSchema(err) {
			err = foreign(undo, err)
		}
		return nil, err
	}
	w := &journalWalk{store: a.s.store, fence: a.fence, undo: undo}
	w.left, err = openLeftRows(ctx, a.s.store, a.e.name)
	return w, err
}

func (w *journalWalk) ours() {}

// Step implements [Stepper]. A range ends before a row that it holds already,
// because each entry is to be undone on top of what the newer one has left.
func (w *journalWalk) Step(ctx context.Context, req Request) (Step, error) {
	before, err := position(req.After)
	if err != nil {
		return Step{}, err
	}
	entries, err := w.store.Entries(ctx, w.fence.Name, before, req.Limit)
	if err != nil {
		return Step{}, err
	}
	w.left.committed(before)
	step := Step{Cursor: req.After, Last: len(entries) < req.Limit}
	if n := distinct(entries); n < len(entries) {
		entries, step.Last = entries[:n], false
	}
	if len(entries) == 0 {
		return step, nil
	}
	step.Keys = len(entries)
	step.Cursor = strconv.FormatInt(entries[len(entries)-1].Seq, 10)
	step.expect = Applied{Found: len(entries), Changed: len(entries)}
	step.Apply = func(ctx context.Context, tx bun.Tx) (Applied, error) { return w.apply(ctx, tx, entries) }
	w.entries = entries
	return step, nil
}

// position reads the cursor of a journal's walk: 0 before the newest entry.
func position(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	seq, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil {
		return 0, errors.New("the cursor is no position in the journal")
	}
	return seq, nil
}

// distinct returns how many entries there are before one of a row that was
// among them already.
func distinct(entries []store.JournalEntry) int {
	keys := make(map[string]bool, len(entries))
	for i, e := range entries {
		if keys[e.Key] {
			return i
		}
		keys[e.Key] = true
	}
	return len(entries)
}

// apply undoes entries and writes down what became of each.
func (w *journalWalk) apply(ctx context.Context, tx bun.Tx, entries []store.JournalEntry) (Applied, error) {
	w.left.begin(entries[len(entries)-1].Seq)
	left := map[string][]int64{}
	leave := func(e store.JournalEntry, standing string) error {
		left[standing] = append(left[standing], e.Seq)
		e.Standing = standing
		return w.left.add(e)
	}
	var try []store.JournalEntry
	var images []Image
	for _, e := range entries {
		standing, blocked := w.left.blocks(e)
		if !blocked {
			try = append(try, e)
			images = append(images, Image{Key: e.Key, Before: e.Before, After: e.After})
		} else if err := leave(e, standing); err != nil {
			return Applied{}, err
		}
	}
	undone, err := w.undone(ctx, tx, images)
	if err != nil {
		return Applied{}, err
	}
	for i, u := range undone {
		if u == UndoneReverted {
			continue
		}
		if err := leave(try[i], string(u)); err != nil {
			return Applied{}, err
		}
	}
	changed := len(entries)
	for _, seqs := range left {
		changed -= len(seqs)
	}
	err = w.fence.Settle(ctx, tx, entries[len(entries)-1].Seq, entries[0].Seq, left)
	return Applied{Found: len(entries), Changed: changed}, err
}

func (w *journalWalk) undone(ctx context.Context, tx bun.Tx, images []Image) ([]Undone, error) {
	if len(images) == 0 {
		return nil, nil
	}
	undone, err := w.undo.Undo(ctx, tx, images)
	if err != nil {
		return nil, foreign(w.undo, err)
	}
	if len(undone) != len(images) {
		return nil, &safeError{class: classJournal, text: fmt.Sprintf("Undo returned %d results for %d images", len(undone), len(images))}
	}
	for _, u := range undone {
		switch u {
		case UndoneReverted, UndoneChanged, UndoneGone:
		default:
			return nil, &safeError{class: classJournal, text: "Undo returned a result that is none of bgtransform's"}
		}
	}
	return undone, nil
}

// refused remembers the only entry of the last step, now that it was committed
// that the database refuses it.
func (w *journalWalk) refused() {
	e := w.entries[0]
	e.Standing = store.Refused
	w.left.keep(e)
}

// Remaining implements [Estimator]: positions are dense.
func (w *journalWalk) Remaining(ctx context.Context, after string, _ int64) (int64, error) {
	before, err := position(after)
	if err != nil || before == 0 {
		return -1, err
	}
	oldest, err := w.store.Oldest(ctx, w.fence.Name)
	if err != nil || oldest == nil {
		return 0, err
	}
	return max(0, before-oldest.Seq), nil
}
