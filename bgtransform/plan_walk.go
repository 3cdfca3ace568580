package bgtransform

import (
	"context"
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
	// spread prepares n batches of about size keys that begin all over the table, and
	// returns the column that their beginnings are found by; empty if they cannot be
	// spread, or would be all of it.
	spread(ctx context.Context, n, size int) (column string, err error)

	// jump returns where batch i begins, and whether that is further than cursor.
	jump(ctx context.Context, cursor string, i int) (string, bool, error)

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
