package bgtransform

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// walker is what the steppers of [Rows] and [SQL] share: the walk over the
// table's keys, the look back at the quarantine, and the estimate.
type walker struct {
	*table
	db      *bun.DB
	pending string // SQL text, complete

	seen      int64 // keys walked by this stepper since the walk last began
	low, high int64 // the span of integer keys that they cover
}

// ours tells our own kinds from others, whose errors may quote rows.
func (w *walker) ours() {}

// next reads the range that follows the request's cursor.
func (w *walker) next(ctx context.Context, req Request) (keyset.Range, Step, error) {
	after, err := w.key(req.After)
	if err != nil {
		return keyset.Range{}, Step{}, err
	}
	r, err := w.walk.Next(ctx, w.db, after, req.Limit)
	if err != nil {
		return keyset.Range{}, Step{}, err
	}
	step := Step{Cursor: req.After, Last: r.Last, Keys: r.N}
	if r.N == 0 {
		return r, step, nil
	}
	if step.Cursor, err = r.Hi.Encode(); err != nil {
		return keyset.Range{}, Step{}, fmt.Errorf("table %q: %w", w.Name, err)
	}
	w.observe(r)
	return r, step, nil
}

// observe keeps how many keys there were in how wide a span of integers.
func (w *walker) observe(r keyset.Range) {
	hi, ok := r.Hi[0].(int64)
	if !ok || len(r.Hi) > 1 {
		return
	}
	if lo, after := lowKey(r); w.seen == 0 || !after || lo != w.high {
		w.seen = 0
		w.low = hi - int64(r.N)
		if after {
			w.low = lo
		}
	}
	w.seen += int64(r.N)
	w.high = hi
}

// lowKey returns the integer key after which a range begins, if it has one: a
// column without a type may hold keys of several kinds.
func lowKey(r keyset.Range) (int64, bool) {
	if r.Lo == nil {
		return 0, false
	}
	lo, ok := r.Lo[0].(int64)
	return lo, ok
}

// Remaining implements [Estimator] for integer keys: the span that is left,
// as densely filled as the span walked so far. It reads one index entry.
func (w *walker) Remaining(ctx context.Context, after string) (int64, error) {
	key, err := w.key(after)
	if err != nil || len(w.PKs) != 1 {
		return -1, err
	}
	var last any
	if err := dialect.Bound(w.db).QueryRowContext(ctx, "SELECT max("+w.walk.Keys[0]+") FROM "+w.table.from).Scan(&last); err != nil {
		return -1, err
	}
	end, ok := last.(int64)
	switch {
	case last == nil:
		return 0, nil
	case !ok:
		return -1, nil
	case key == nil || w.seen == 0 || w.high <= w.low:
		return -1, nil
	}
	density := float64(w.seen) / float64(w.high-w.low)
	return max(0, int64(float64(end-w.high)*density)), nil
}

// StillPending implements [Rechecker].
func (w *walker) StillPending(ctx context.Context, db bun.IDB, keys []string) ([]string, error) {
	return w.stillPending(ctx, db, w.pending, keys)
}
