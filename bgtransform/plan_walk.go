package bgtransform

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// planWalk is what a plan asks of our own kinds.
type planWalk interface {
	// spread returns where n batches begin that are spread over the table; nil if the
	// keys are no numbers.
	spread(ctx context.Context, n int) ([]string, error)

	// further returns the later of two cursors, and whether that is start.
	further(cursor, start string) (string, bool)

	// density returns how many keys there are if the table is filled throughout as
	// where it was walked; 0 if that is not known.
	density() int64

	// traced calls fn with every statement from now on.
	traced(fn func(query string, args []any))

	// explained asks the database how it would run a statement.
	explained(ctx context.Context, query string, args []any) ([]dialect.Access, error)

	before(ctx context.Context, tx bun.Tx, after, upTo string, limit int) ([]PlanExample, error)
	after(ctx context.Context, tx bun.Tx, seen []PlanExample) ([]PlanExample, error)
}

// planned is what a plan keeps in a walker.
type planned struct {
	first, last int64 // the keys' ends
	known       bool  // what they are
	keys, span  int64 // walked, in how wide a span
}

func (w *walker) spread(ctx context.Context, n int) ([]string, error) {
	if len(w.PKs) != 1 {
		return nil, nil
	}
	var ends [2]any
	err := w.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		k := w.walk.Keys[0]
		for i, order := range []string{"", " DESC"} {
			query := "SELECT " + w.d.Raw(k) + " FROM " + w.table.from + " ORDER BY " + w.walk.Order() + order + " LIMIT 1"
			if err := q.QueryRowContext(ctx, query).Scan(&ends[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	first, ok := w.d.Load(w.walk.Keys[0], ends[0]).(int64)
	last, also := w.d.Load(w.walk.Keys[0], ends[1]).(int64)
	if !ok || !also || float64(last)-float64(first) > 1<<62 {
		return nil, nil
	}
	w.planned.first, w.planned.last, w.planned.known = first, last, true
	starts := make([]string, n)
	for i := 1; i < n; i++ {
		if starts[i], err = (keyset.Key{first + int64(float64(last-first)/float64(n)*float64(i))}).Encode(); err != nil {
			return nil, err
		}
	}
	return starts, nil
}

func (w *walker) further(cursor, start string) (string, bool) {
	at, err := w.key(cursor)
	to, err2 := w.key(start)
	if err != nil || err2 != nil || at == nil || to == nil {
		return cursor, false
	}
	is, ok := at[0].(int64)
	later, also := to[0].(int64)
	if !ok || !also || later <= is {
		return cursor, false
	}
	return start, true
}

func (w *walker) density() int64 {
	p := w.planned
	if !p.known || p.span <= 0 {
		return 0
	}
	return int64(float64(p.keys) / float64(p.span) * (float64(p.last-p.first) + 1))
}

// plannedRange adds a range to what density goes by.
func (w *walker) plannedRange(r keyset.Range, hi int64) {
	lo, ok := lowKey(r)
	if !ok {
		lo = w.planned.first - 1
	}
	w.planned.keys, w.planned.span = w.planned.keys+int64(r.N), w.planned.span+hi-lo
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

func (w *walker) traced(fn func(query string, args []any)) { w.d.Trace = fn }

func (w *walker) explained(ctx context.Context, query string, args []any) (found []dialect.Access, err error) {
	err = w.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		found, err = w.d.Explain(ctx, q, query, args)
		return err
	})
	return found, err
}

// before returns some pending rows of a range.
func (w *walker) before(ctx context.Context, tx bun.Tx, after, upTo string, limit int) ([]PlanExample, error) {
	lo, err := w.key(after)
	if err != nil {
		return nil, err
	}
	hi, err := w.key(upTo)
	if err != nil {
		return nil, err
	}
	cond, args := w.walk.Within(keyset.Range{Lo: lo, Hi: hi, N: limit})
	return w.values(ctx, tx, cond+" AND ("+w.pending+") ORDER BY "+w.walk.Order()+fmt.Sprintf(" LIMIT %d", limit), args)
}

// after adds to rows what they hold now.
func (w *walker) after(ctx context.Context, tx bun.Tx, seen []PlanExample) ([]PlanExample, error) {
	keys := make([]keyset.Key, len(seen))
	for i, row := range seen {
		key, err := w.key(row.Key)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	cond, args := w.walk.AnyOf(keys)
	now, err := w.values(ctx, tx, cond, args)
	if err != nil {
		return nil, err
	}
	for i := range seen {
		for _, row := range now {
			if row.Key == seen[i].Key {
				seen[i].After = row.Before
			}
		}
		seen[i].Key = keyText(seen[i].Key)
	}
	return seen, nil
}

// values reads rows with the columns that the transform names.
func (w *walker) values(ctx context.Context, tx bun.Tx, cond string, args []any) ([]PlanExample, error) {
	cols := slices.Clone(w.walk.Keys)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(w.cols)) {
		if !w.FieldMap[name].IsPK {
			names = append(names, name)
			cols = append(cols, w.cols[name])
		}
	}
	raw := make([]string, len(cols))
	for i, c := range cols {
		raw[i] = w.d.Raw(c)
	}
	rows, err := w.d.Bound(tx).QueryContext(ctx, "SELECT "+strings.Join(raw, ", ")+" FROM "+w.from+" WHERE "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	values, dest := make([]any, len(cols)), make([]any, len(cols))
	for i := range values {
		dest[i] = &values[i]
	}
	var out []PlanExample
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		key := make(keyset.Key, len(w.walk.Keys))
		for i := range key {
			key[i] = w.d.Load(cols[i], values[i])
		}
		text, err := key.Encode()
		if err != nil {
			return nil, err
		}
		row := PlanExample{Key: text, Before: map[string]string{}}
		for i, name := range names {
			row.Before[name] = shownValue(w.d.Load(cols[len(key)+i], values[len(key)+i]))
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// shownValue spells a stored value for people.
func shownValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	default:
		return fmt.Sprint(v)
	}
}

// marks reports whether the rows that are done are kept in a set.
func (s *rowStepper[M]) marks() bool { return s.def.Processed.used() }
