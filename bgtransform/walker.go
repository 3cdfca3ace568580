package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// walker is what the steppers of [Rows] and [SQL] share: the walk over the
// table's keys, the look back at the quarantine, and the estimate.
type walker struct {
	*table
	db      *bun.DB
	limits  dialect.Limits // of every read
	pending string         // SQL text, complete

	span span // of the keys walked by this stepper since the walk last began

	spent time.Duration // in reads, since it was last asked for

	spreading spreading // of a plan's batches
}

// ours tells our own kinds from others, whose errors may quote rows.
func (w *walker) ours() {}

// read runs fn where its statements are bounded.
func (w *walker) read(ctx context.Context, fn func(ctx context.Context, q dialect.Querier) error) error {
	defer func(began time.Time) { w.spent += time.Since(began) }(time.Now())
	return w.d.Read(ctx, w.db, w.limits, fn)
}

// reading implements [readTimer].
func (w *walker) reading() time.Duration {
	defer func() { w.spent = 0 }()
	return w.spent
}

// next reads the range that follows the request's cursor.
func (w *walker) next(ctx context.Context, q dialect.Querier, req Request) (keyset.Range, Step, error) {
	after, err := w.key(req.After)
	if err != nil {
		return keyset.Range{}, Step{}, err
	}
	r, err := w.walk.Next(ctx, q, after, req.Limit)
	if err != nil {
		return keyset.Range{}, Step{}, err
	}
	step, err := w.stepOver(r, req)
	return r, step, err
}

// stepOver makes the step over a range of which nothing is known yet but its keys.
func (w *walker) stepOver(r keyset.Range, req Request) (Step, error) {
	step := Step{Cursor: req.After, Last: r.Last, Keys: r.N}
	if r.N == 0 {
		return step, nil
	}
	var err error
	if step.Cursor, err = r.Hi.Encode(); err != nil {
		return Step{}, fmt.Errorf("table %q: %w", w.Name, err)
	}
	w.observe(r)
	return step, nil
}

// StillPending implements [Rechecker].
func (w *walker) StillPending(ctx context.Context, _ bun.IDB, keys []string) (left []string, err error) {
	err = w.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		left, err = w.stillPending(ctx, q, w.pending, keys)
		return err
	})
	return left, err
}
