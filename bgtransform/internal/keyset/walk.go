package keyset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// Walk selects ranges of a table's keys, in the order of its primary key.
type Walk struct {
	Dialect *dialect.Dialect
	Table   string           // quoted, with its alias
	Alias   string           // quoted
	Keys    []dialect.Column // the primary key's, in order
}

// Range is a run of consecutive keys: those after Lo (or from the first, when
// Lo is nil) up to Hi.
type Range struct {
	Lo, Hi Key
	N      int  // keys in it when it was read; Hi is nil when there are none
	Last   bool // fewer keys than asked for were left
}

// Next returns the range of at most limit keys that follows after. It reads
// limit index entries and returns one row, whatever the table's size.
func (w Walk) Next(ctx context.Context, q dialect.Querier, after Key, limit int) (Range, error) {
	where, args := w.after(after)
	inner := "SELECT " + w.names("", "") + " FROM " + w.Table + where + " ORDER BY " + w.Order() + " LIMIT " + strconv.Itoa(limit)

	r := Range{Lo: after}
	hi := make(Key, len(w.Keys))
	full := make([]int, len(w.Keys)) // how many keys have this part
	dest := []any{&r.N}
	for i := range hi {
		dest = append(dest, &hi[i], &full[i])
	}
	err := q.QueryRowContext(ctx, w.last(inner), args...).Scan(dest...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Range{}, fmt.Errorf("read the next range of keys: %w", err)
	}
	for i := range hi {
		if full[i] != r.N {
			return Range{}, ErrNull
		}
		hi[i] = w.Dialect.Load(w.Keys[i], hi[i])
	}
	r.Last = r.N < limit
	if r.N > 0 {
		r.Hi = hi
	}
	return r, nil
}

// last wraps a query for keys into one that returns how many they are, and the
// last of them: for each part, the value, and how many keys have one.
func (w Walk) last(inner string) string {
	if k := w.Keys[0]; len(w.Keys) == 1 && (k.Kind == dialect.Int || k.Kind == dialect.Any) {
		return "SELECT count(*), max(" + k.SQL + "), count(" + k.SQL + ") FROM (" + inner + ") AS bgt_keys"
	}
	parts := make([]string, len(w.Keys))
	for i, k := range w.Keys {
		parts[i] = w.Dialect.Raw(k) + ", count(" + k.SQL + ") OVER ()"
	}
	return "SELECT count(*) OVER (), " + strings.Join(parts, ", ") + " FROM (" + inner + ") AS bgt_keys ORDER BY " + w.names("bgt_keys.", " DESC") + " LIMIT 1"
}

// Order lists the key's columns, as in ORDER BY. They are qualified: a bare
// name there may also mean a selected expression, such as the column's value as
// text, which sorts in another order.
func (w Walk) Order() string { return w.names(w.Alias+".", "") }

// names lists the key's columns, each with a prefix and a suffix.
func (w Walk) names(prefix, suffix string) string {
	names := make([]string, len(w.Keys))
	for i, k := range w.Keys {
		names[i] = prefix + k.SQL + suffix
	}
	return strings.Join(names, ", ")
}

func (w Walk) after(key Key) (string, []any) {
	if key == nil {
		return "", nil
	}
	cond, args := w.compare(w.Keys, key, ">", "")
	return " WHERE " + cond, args
}

// Within returns the condition that a row's key lies in r, with its arguments.
// The condition is true for no row when r is empty.
func (w Walk) Within(r Range) (string, []any) {
	if r.Hi == nil {
		return "1 = 0", nil
	}
	if len(w.Keys) > 1 && w.Dialect.RowValues && !w.Dialect.RowsEnd {
		return w.pieces(r.Lo, r.Hi)
	}
	return w.between(r.Lo, r.Hi)
}

func (w Walk) between(from, to Key) (string, []any) {
	cond, args := w.compare(w.Keys, to, "<", "=")
	if from == nil {
		return cond, args
	}
	lo, loArgs := w.compare(w.Keys, from, ">", "")
	return lo + " AND " + cond, append(slices.Clip(loArgs), args...)
}

// compare spells a comparison of a key, in the form that the database serves
// from the index without looking at the entries before it, however many of them
// share the key's first columns: as row values, or as
// a > ? OR (a = ? AND (b > ? OR (b = ? AND c > ?))).
// orEqual is "=" to include the key itself.
func (w Walk) compare(cols []dialect.Column, key Key, op, orEqual string) (string, []any) {
	bound := w.Dialect.Bind(cols[0])
	if len(cols) == 1 {
		return cols[0].SQL + " " + op + orEqual + " " + bound, []any{key[0]}
	}
	if w.Dialect.RowValues {
		names, values := cols[0].SQL, bound
		for _, c := range cols[1:] {
			names += ", " + c.SQL
			values += ", " + w.Dialect.Bind(c)
		}
		return "(" + names + ") " + op + orEqual + " (" + values + ")", key
	}
	rest, args := w.compare(cols[1:], key[1:], op, orEqual)
	cond := "(" + cols[0].SQL + " " + op + " " + bound + " OR (" + cols[0].SQL + " = " + bound + " AND " + rest + "))"
	return cond, append([]any{key[0], key[0]}, args...)
}

// AnyOf returns the condition that a row's key is one of keys.
func (w Walk) AnyOf(keys []Key) (string, []any) {
	switch len(keys) {
	case 0:
		return "1 = 0", nil
	case 1:
		parts := make([]string, len(w.Keys))
		for i, col := range w.Keys {
			parts[i] = col.SQL + " = " + w.Dialect.Bind(col)
		}
		return strings.Join(parts, " AND "), keys[0]
	}
	if len(w.Keys) == 1 {
		args := make([]any, len(keys))
		for i, k := range keys {
			args[i] = k[0]
		}
		bound := w.Dialect.Bind(w.Keys[0])
		return w.Keys[0].SQL + " IN (" + bound + strings.Repeat(", "+bound, len(keys)-1) + ")", args
	}
	// Halves, because databases limit how deep a chain of ORs may nest.
	left, leftArgs := w.AnyOf(keys[:len(keys)/2])
	right, rightArgs := w.AnyOf(keys[len(keys)/2:])
	return "((" + left + ") OR (" + right + "))", append(append([]any{}, leftArgs...), rightArgs...)
}
