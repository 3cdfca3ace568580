package bgtransformtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Reversible runs a transform that keeps a journal (Options.Journal) to its
// end and reverts it, as an operator would: every row of every table must be
// as it was before, to the byte. Then it does so again for each commit of the
// run, and of the revert, with the process killed there and another taking
// over: each must end in the same way, with every row written just as often.
//
// A transform that writes more columns than it names in Writes, or that does
// something else to the database, does not pass.
func Reversible(t testing.TB, fixture Fixture, transform bgtransform.Transform, opts ...Option) {
	t.Helper()
	b := newBench(t, fixture, transform, opts).audited(t)
	var forth, back trace
	var want outcome
	err := b.on(t.Context(), func(m *memory) (err error) {
		before, err := b.look(t.Context(), m)
		if err != nil {
			return err
		}
		if forth, err = b.complete(t.Context(), m); err != nil {
			return err
		}
		if forth.changed == 0 {
			return b.nothingToDo()
		}
		if back, err = b.revert(t.Context(), m, fault{}); err != nil {
			return err
		}
		if want, err = b.look(t.Context(), m); err != nil {
			return err
		}
		restored := want
		restored.writes, restored.held = before.writes, before.held
		if diff := differences(restored, before); diff != nil {
			return fmt.Errorf("transform %q is not reversible: after the revert the rows are not as they were before the run\n%s", b.name, indent(diff.Error()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	there, again := faults(forth.commits), faults(back.commits)
	errs := parallel(len(there)+len(again), func(i int) error {
		if i < len(there) {
			return b.revertAfter(t.Context(), there[i], fault{}, want)
		}
		return b.revertAfter(t.Context(), fault{}, again[i-len(there)], want)
	})
	shown := 0
	for i, err := range errs {
		if err == nil || shown == mostFailures {
			continue
		}
		shown++
		if i < len(there) {
			t.Errorf("transform %q, run %s:\n%s", b.name, there[i].describe(forth.commits), indent(err.Error()))
		} else {
			t.Errorf("transform %q, revert %s:\n%s", b.name, again[i-len(there)].describe(back.commits), indent(err.Error()))
		}
	}
}

// revertAfter runs and reverts the transform, with a fault in one of the two,
// and compares the outcome with want.
func (b *bench) revertAfter(ctx context.Context, forth, back fault, want outcome) error {
	return b.on(ctx, func(m *memory) error {
		if _, err := b.live(ctx, m, life{fault: forth}); err != nil {
			return err
		}
		if _, err := b.complete(ctx, m); err != nil {
			return fmt.Errorf("the instance that took the run over: %w", err)
		}
		if _, err := b.revert(ctx, m, back); err != nil {
			return err
		}
		got, err := b.look(ctx, m)
		if err != nil {
			return err
		}
		if diff := differences(got, want); diff != nil {
			return fmt.Errorf("the outcome is not that of the undisturbed run and revert:\n%w", diff)
		}
		return nil
	})
}

// revert reverts the transform to the end. After a fault, another process
// takes over.
func (b *bench) revert(ctx context.Context, m *memory, f fault) (trace, error) {
	c, err := bgtransform.NewControl(m.db)
	if err != nil {
		return trace{}, err
	}
	if err := c.Revert(ctx, b.name, bgtransform.By{Who: "bgtransformtest"}); err != nil {
		return trace{}, err
	}
	did, err := b.live(ctx, m, life{fault: f})
	st, known := b.status(ctx, m)
	if err == nil && known && st.State != bgtransform.StateReverted && f.commit > 0 {
		_, err = b.live(ctx, m, life{})
		st, known = b.status(ctx, m)
	}
	if err != nil {
		return did, fmt.Errorf("revert: %w", err)
	}
	switch {
	case !known:
		return did, errors.New("revert: the transform has left nothing in the database")
	case st.State != bgtransform.StateReverted:
		return did, did.explain(fmt.Errorf("transform %q is %s, want it reverted\n  why: %s\n  last error: %s", b.name, st.State, reasonText(st.Reason), st.LastError))
	case !st.Reason.IsZero():
		return did, fmt.Errorf("transform %q: %s", b.name, st.Reason.Text)
	}
	return did, nil
}
