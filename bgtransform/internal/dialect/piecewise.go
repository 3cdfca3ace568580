package dialect

import (
	"context"
	"errors"

	"github.com/uptrace/bun"
)

// Piecewise calls write for the rows from 0 to n-1 together, inside tx. If the
// database refuses the data of one of them, the rows are tried again in halves,
// until those that are at fault stand alone: their places are returned, and the
// others are written. Every other error ends it.
func (d *Dialect) Piecewise(ctx context.Context, tx bun.Tx, n int, write func(ctx context.Context, tx bun.Tx, from, to int) error) ([]int, error) {
	return d.piece(ctx, tx, 0, n, write)
}

func (d *Dialect) piece(ctx context.Context, tx bun.Tx, from, to int, write func(ctx context.Context, tx bun.Tx, from, to int) error) ([]int, error) {
	if from >= to {
		return nil, nil
	}
	err := savepoint(ctx, tx, func(ctx context.Context, tx bun.Tx) error { return write(ctx, tx, from, to) })
	switch {
	case err == nil:
		return nil, nil
	case d.Classify(err) != BadRow:
		return nil, err
	case to-from == 1:
		return []int{from}, nil
	}
	mid := from + (to-from)/2
	left, err := d.piece(ctx, tx, from, mid, write)
	if err != nil {
		return nil, err
	}
	right, err := d.piece(ctx, tx, mid, to, write)
	return append(left, right...), err
}

// savepoint undoes what fn has written when it fails, and leaves tx usable.
func savepoint(ctx context.Context, tx bun.Tx, fn func(ctx context.Context, tx bun.Tx) error) error {
	inner, err := tx.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(ctx, inner); err != nil {
		if undo := inner.Rollback(); undo != nil {
			return errors.Join(err, undo)
		}
		return err
	}
	return inner.Commit()
}
