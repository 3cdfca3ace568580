package bgtransform

import (
	"context"
	"database/sql"
	"errors"
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

	seen      int64 // keys walked by this stepper since the walk last began
	low, high int64 // the span of integer keys that they cover

	spent time.Duration // in reads, since it was last asked for

	planned planned
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
	w.plannedRange(r, hi)
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

// Remaining implements [Estimator]: for integer keys by the span that is left, as
// densely filled as the span walked so far; for all others by what the database
// believes the table to hold.
func (w *walker) Remaining(ctx context.Context, after string, walked int64) (int64, error) {
	if len(w.PKs) == 1 && w.high > w.low && after != "" {
		return w.span(ctx)
	}
	total, err := w.d.Estimate(ctx, w.db, w.named())
	if err != nil || total < 0 {
		return -1, err
	}
	return max(0, total-walked), nil
}

// span reads one index entry.
func (w *walker) span(ctx context.Context) (int64, error) {
	var last any
	err := w.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		k := w.walk.Keys[0]
		return q.QueryRowContext(ctx, "SELECT "+w.d.Raw(k)+" FROM "+w.table.from+" ORDER BY "+k.SQL+" DESC LIMIT 1").Scan(&last)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return -1, err
	}
	end, ok := w.d.Load(w.walk.Keys[0], last).(int64)
	if !ok {
		return -1, nil
	}
	density := float64(w.seen) / float64(w.high-w.low)
	return max(0, int64(float64(end-w.high)*density)), nil
}

// StillPending implements [Rechecker].
func (w *walker) StillPending(ctx context.Context, _ bun.IDB, keys []string) (left []string, err error) {
	err = w.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		left, err = w.stillPending(ctx, q, w.pending, keys)
		return err
	})
	return left, err
}
