package bgtransformtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// bench is what the runs of one helper share: the transform, and the database
// that every run begins with a copy of.
type bench struct {
	options
	transform bgtransform.Transform
	name      string
	start     *memory
	turn      turn
}

// newBench makes the starting database, and closes it when the test is over.
func newBench(t testing.TB, fixture Fixture, transform bgtransform.Transform, opts []Option) *bench {
	t.Helper()
	o, err := newOptions(opts)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{options: o, transform: transform, name: transform.Definition().Name, turn: newTurn()}
	if b.start, err = newMemory(t.Context()); err != nil {
		t.Fatal("bgtransformtest: open SQLite in memory:", err)
	}
	t.Cleanup(func() {
		if err := b.start.close(); err != nil {
			t.Error("bgtransformtest: close SQLite:", err)
		}
	})
	if err := fixture(t.Context(), b.start.db); err != nil {
		t.Fatal("bgtransformtest: fixture:", err)
	}
	// The engine's tables are there, as after an earlier deploy: killing it
	// while it makes them would tell nothing about a transform.
	if err := store.Create(t.Context(), b.start.db); err != nil {
		t.Fatal("bgtransformtest:", err)
	}
	return b
}

// audited counts every write from here on; see [install].
func (b *bench) audited(t testing.TB) *bench {
	t.Helper()
	if err := install(t.Context(), b.start.db, b.without); err != nil {
		t.Fatal("bgtransformtest: count the writes:", err)
	}
	return b
}

// on calls fn with a copy of the starting database.
func (b *bench) on(ctx context.Context, fn func(m *memory) error) error {
	m, err := b.start.copy(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(m), m.close())
}

// undisturbed runs the transform to its end on a copy, and returns what one
// process did and what came of it.
func (b *bench) undisturbed(t testing.TB) (trace, outcome) {
	t.Helper()
	var did trace
	var got outcome
	err := b.on(t.Context(), func(m *memory) error {
		var err error
		if did, err = b.complete(t.Context(), m); err != nil {
			return err
		}
		got, err = b.look(t.Context(), m)
		return err
	})
	if err != nil {
		t.Fatalf("undisturbed: %v", err)
	}
	if did.found == 0 && did.changed == 0 && len(got.held) == 0 {
		t.Fatal(b.nothingToDo())
	}
	return did, got
}

func (b *bench) nothingToDo() error {
	return fmt.Errorf("transform %q found nothing to do: the fixture has no row that is pending, so this test would show nothing", b.name)
}

// complete lets one undisturbed process run the transform to its end, unless
// it is there already, and returns an error that tells what is in the way.
func (b *bench) complete(ctx context.Context, m *memory) (trace, error) {
	var did trace
	for range mostLives {
		if st, known := b.status(ctx, m); known && b.over(st) {
			break
		}
		more, err := b.live(ctx, m, life{})
		did = did.and(more)
		if err != nil {
			return did, err
		}
		if st, _ := b.status(ctx, m); st.State != bgtransform.StateRunning {
			break
		}
	}
	if err := b.verify(ctx, m); err != nil {
		return did, did.explain(err)
	}
	return did, nil
}

// mostLives is how many processes it may take: one, and another where a machine is so
// slow that an instance could not write how its attempt ended.
const mostLives = 3

// over reports whether no process would do anything any more.
func (b *bench) over(st bgtransform.Status) bool {
	return st.State.Settled() || st.Reason.Code == bgtransform.ReasonQuarantine
}

// restart asks for another run, as an operator would.
func (b *bench) restart(ctx context.Context, m *memory) error {
	c, err := bgtransform.NewControl(m.db)
	if err != nil {
		return err
	}
	return c.Restart(ctx, b.name, bgtransform.By{Who: "bgtransformtest"})
}

// again runs the transform anew on a database that it has run on.
func (b *bench) again(ctx context.Context, m *memory) (trace, error) {
	if err := b.restart(ctx, m); err != nil {
		return trace{}, err
	}
	did, err := b.live(ctx, m, life{})
	if err != nil {
		return did, fmt.Errorf("run again: %w", err)
	}
	if err := b.verify(ctx, m); err != nil {
		return did, did.explain(fmt.Errorf("run again: %w", err))
	}
	return did, nil
}
