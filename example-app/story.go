package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// story is the whole change, from the first release to the contract.
func (w *walker) story(ctx context.Context) error {
	for i, chapter := range []struct {
		title string
		do    step
	}{
		{"Before: release 1 knows only the column length", w.before},
		{"Expand: release 2 comes, and writes both columns", w.expand},
		{"Rollback in the middle: release 1 is back", w.rollback},
		{"Forward again: what release 1 wrote is found", w.forward},
		{"Release 3 reads length_ms only, goes back, and comes again", w.switchOver},
		{"The gate: may length go?", w.prove},
		{"Contract: release 4 does not know length any more", w.contract},
	} {
		w.say("\n%d. %s", i+1, chapter.title)
		if err := chapter.do(ctx); err != nil {
			return err
		}
	}
	return w.end(ctx)
}

func (w *walker) before(ctx context.Context) error {
	if err := w.deploy(1)(ctx); err != nil {
		return err
	}
	w.say("   Release 3 would read a column that nobody has filled:")
	_, err := w.refused(ctx, 3)
	return err
}

func (w *walker) expand(ctx context.Context) error {
	if err := w.deploy(2)(ctx); err != nil {
		return err
	}
	if err := w.untilStatus(ctx, "it waits for release 1", waitsForPool); err != nil {
		return err
	}
	w.show(ctx)
	w.say("   No row is moved, and release 2 reads length, as long as somebody writes length only.")
	if err := w.retire(1)(ctx); err != nil {
		return err
	}
	err := w.untilStatus(ctx, "a part is moved", func(st bgtransform.Status) bool { return st.Rows > w.tracks/4 })
	w.show(ctx)
	return err
}

// waitsForPool reports whether a transform waits for an instance that writes only the
// old column.
func waitsForPool(st bgtransform.Status) bool { return st.Why().Code == bgtransform.ReasonFleet }

func (w *walker) rollback(ctx context.Context) error {
	if err := w.deploy(1)(ctx); err != nil {
		return err
	}
	if err := w.untilStatus(ctx, "it holds", waitsForPool); err != nil {
		return err
	}
	w.show(ctx)
	if err := w.retire(2)(ctx); err != nil {
		return err
	}
	w.say("   Users edit tracks that were moved already: length_ms is out of date in them.")
	return w.use(ctx)
}

func (w *walker) forward(ctx context.Context) error {
	if err := inOrder(ctx, w.deploy(2), w.retire(1)); err != nil {
		return err
	}
	if err := w.untilComplete(ctx); err != nil {
		return err
	}
	if err := w.untilStage(2, fleet.Compare)(ctx); err != nil {
		return err
	}
	acts, err := w.control.Actions(ctx, moveName, 10)
	if err != nil {
		return err
	}
	for _, a := range acts {
		if a.Action == "fleet" {
			w.say("     log: %s", a.Why)
		}
	}
	w.show(ctx)
	w.say("   Release 1 could not come back now just so:")
	_, err = w.refused(ctx, 1)
	return err
}

func (w *walker) switchOver(ctx context.Context) error {
	if err := inOrder(ctx, w.deploy(3), w.untilStage(3, fleet.New)); err != nil {
		return err
	}
	w.show(ctx)
	if err := inOrder(ctx, w.retire(2), w.deploy(2), w.retire(3), w.untilStage(2, fleet.Compare)); err != nil {
		return err
	}
	w.show(ctx)
	if err := inOrder(ctx, w.deploy(3), w.retire(2), w.untilStage(3, fleet.New)); err != nil {
		return err
	}
	w.show(ctx)
	return nil
}

func (w *walker) prove(ctx context.Context) error {
	w.say("   Release 4 is tried at once:")
	if _, err := w.refused(ctx, 4); err != nil {
		return err
	}
	by := bgtransform.By{Who: "walk", Why: "before the contract"}
	if err := w.control.Verify(ctx, moveName, bgtransform.VerifyOptions{}, by); err != nil {
		return err
	}
	w.say("   example-app transforms verify %s", moveName)
	var last error
	err := w.until(ctx, "the gate opens", func() bool {
		last = mayContract(ctx, w.db, w.quiet)
		_, refused := errors.AsType[*gate.Refusal](last)
		return !refused
	})
	if err := errors.Join(err, last); err != nil {
		return err
	}
	w.say("   The gate is open: complete, verified, and nobody has needed length for %s.", w.quiet)
	return nil
}

func (w *walker) contract(ctx context.Context) error {
	if err := w.deploy(4)(ctx); err != nil {
		return err
	}
	w.show(ctx)
	w.say("   The column cannot go while release 3 writes it:")
	err := dropLength(ctx, w.db, w.quiet, w.say)
	if _, refused := errors.AsType[*gate.Refusal](err); !refused {
		return errors.Join(err, fmt.Errorf("the contract: %w", errNotRefused))
	}
	w.say("   x %s", indent(err.Error()))
	w.say("   Release 4 can still go back to release 3:")
	if err := inOrder(ctx, w.retire(4), w.deploy(4), w.retire(3)); err != nil {
		return err
	}
	w.say("   example-app contract")
	if err := dropLength(ctx, w.db, w.quiet, func(f string, args ...any) { w.say("     "+f, args...) }); err != nil {
		return err
	}
	for release := 1; release <= 3; release++ {
		if _, err := w.refused(ctx, release); err != nil {
			return err
		}
	}
	return inOrder(ctx, w.use, w.retire(4))
}

// end compares every row with every value that was ever written.
func (w *walker) end(ctx context.Context) error {
	t := truthOf(ctx, w.db, wrongNew)
	w.total.Wrong += max(0, t.Wrong) + max(0, t.Remaining)
	w.say("\nusers read %s times, edited %s tracks and added %s; %s", thousands(w.total.Reads), thousands(w.total.Edits), thousands(w.total.Added), t)
	w.say("%d wrong, %d failed", w.total.Wrong, w.total.Failed)
	if t.Tracks < w.tracks || w.total.Wrong != 0 || w.total.Failed != 0 {
		return errors.New("something was lost on the way")
	}
	return nil
}
