package bgtransformtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// ConcurrentWriter lets the app write in the worst moment: after the transform
// has read a batch's rows and run user code, and before it writes them. write
// is what the app does, on connections of its own; it is called once in each
// of several runs, for each batch in one of them, and once before a transform
// and once after one.
//
// In the end every row must be as if write had come either before the
// transform touched it or after. A row that mixes the two has lost an update:
// the app's, or the one that should have followed from it.
func ConcurrentWriter(t testing.TB, fixture Fixture, transform bgtransform.Transform, write func(ctx context.Context, db *bun.DB) error, opts ...Option) {
	t.Helper()
	b := newBench(t, fixture, transform, opts)
	batches, err := b.countWrites(t.Context())
	if err != nil {
		t.Fatalf("undisturbed: %v", err)
	}
	if batches == 0 {
		t.Fatal(b.nothingToDo())
	}
	orders, err := b.inOrder(t.Context(), write)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i, err := range parallel(batches, func(i int) error { return b.race(t.Context(), i+1, write, orders) }) {
		if err == nil {
			continue
		}
		if failed++; failed <= mostFailures {
			t.Errorf("transform %q, with a writer between the reading and the writing of batch %d of %d:\n%s", b.name, i+1, batches, indent(err.Error()))
		}
	}
	if failed > mostFailures {
		t.Errorf("transform %q: %d of %d batches lost updates; the first %d are shown", b.name, failed, batches, mostFailures)
	}
}

// countWrites returns how many batches have something to write when nothing
// disturbs them.
func (b *bench) countWrites(ctx context.Context) (batches int, err error) {
	err = b.on(ctx, func(m *memory) error {
		if _, err := b.live(ctx, m, life{read: func(context.Context) error { batches++; return nil }}); err != nil {
			return err
		}
		return b.verify(ctx, m)
	})
	return batches, err
}

// inOrder returns the two outcomes that are right: the writer first, and the
// writer last, followed by a run for what it may have left to do.
func (b *bench) inOrder(ctx context.Context, write func(ctx context.Context, db *bun.DB) error) ([2]outcome, error) {
	var first, last outcome
	err := b.on(ctx, func(m *memory) (err error) {
		if err := write(ctx, m.db); err != nil {
			return fmt.Errorf("the writer, before the transform: %w", err)
		}
		if _, err := b.complete(ctx, m); err != nil {
			return fmt.Errorf("after the writer: %w", err)
		}
		first, err = b.look(ctx, m)
		return err
	})
	if err != nil {
		return [2]outcome{}, err
	}
	err = b.on(ctx, func(m *memory) (err error) {
		if _, err := b.complete(ctx, m); err != nil {
			return err
		}
		if err := write(ctx, m.db); err != nil {
			return fmt.Errorf("the writer, after the transform: %w", err)
		}
		if _, err := b.again(ctx, m); err != nil {
			return fmt.Errorf("after the writer: %w", err)
		}
		last, err = b.look(ctx, m)
		return err
	})
	return [2]outcome{first, last}, err
}

// race runs the transform with the writer before batch n is written.
func (b *bench) race(ctx context.Context, n int, write func(ctx context.Context, db *bun.DB) error, orders [2]outcome) error {
	return b.on(ctx, func(m *memory) error {
		batch := 0
		var failed error
		_, err := b.live(ctx, m, life{read: func(ctx context.Context) error {
			if batch++; batch == n {
				failed = write(ctx, m.db)
			}
			return failed
		}})
		if failed != nil {
			return fmt.Errorf("the writer: %w", failed)
		}
		if err == nil {
			err = b.verify(ctx, m)
		}
		if err != nil {
			return err
		}
		got, err := b.look(ctx, m)
		if err != nil {
			return err
		}
		return mixed(got, orders[0], orders[1])
	})
}
