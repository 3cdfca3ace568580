package bgtransform

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// computed is a row of which user code has made something else than what is
// stored, as far as Go can tell.
type computed[M any] struct {
	row    row[M]
	set    []any // for the columns in Writes
	text   string
	class  string
	differ []string // columns, as the database says
}

// compare returns the rows that are wrong. Most rows are seen to be right by
// their values. Of the others the database says which it would store another
// value for; then user code is asked once more, for what it does not make twice is
// no measure; and then the database once more, because an app may write both
// sides in two steps.
func (v *rowVerifier[M]) compare(ctx context.Context, rows []row[M]) ([]computed[M], error) {
	var odd []computed[M]
	for i, r := range v.code.values(rows) {
		for j, set := range r.Set {
			if !sameValue(set, r.Guard[v.stored[j]]) {
				odd = append(odd, computed[M]{row: rows[i], set: r.Set, class: MismatchDiffers})
				break
			}
		}
	}
	odd, err := v.differing(ctx, odd)
	if err != nil || len(odd) == 0 {
		return nil, err
	}
	if err := v.computeAgain(ctx, odd); err != nil {
		return nil, err
	}
	if odd, err = v.differing(ctx, odd); err != nil {
		return nil, err
	}
	for i := range odd {
		if odd[i].text, err = odd[i].row.key.Encode(); err != nil {
			return nil, err
		}
	}
	return odd, nil
}

// sameValue reports whether a value that would be stored is one that is, as
// far as that is certain.
func sameValue(set, stored any) bool {
	switch s := stored.(type) {
	case nil:
		return set == nil
	case int64:
		r := reflect.ValueOf(set)
		switch {
		case !r.IsValid():
			return false
		case r.CanInt():
			return r.Int() == s
		case r.CanUint():
			return s >= 0 && r.Uint() == uint64(s)
		default:
			return false
		}
	case float64, string, []byte:
		return sameSet(set, stored)
	default:
		return false // the database knows
	}
}

// sameSets reports whether user code has made the same of a row twice.
func sameSets(a, b []any) bool { return slices.EqualFunc(a, b, sameSet) }

// sameSet compares two values to the bit: NaN is itself.
func sameSet(a, b any) bool {
	x, isFloat := a.(float64)
	y, both := b.(float64)
	if isFloat && both {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	return reflect.DeepEqual(a, b)
}

// computeAgain gives user code the rows once more, this time with what is
// stored in the columns that it writes. If it makes something else of them, it
// either looks at those columns, or never does the same twice.
func (v *rowVerifier[M]) computeAgain(ctx context.Context, odd []computed[M]) error {
	rows, places := v.refill(odd)
	failures, done, err := v.code.each(ctx, models(rows), 0)
	if err != nil {
		return err
	}
	if later, ok := laterOf(failures[:done]); ok {
		return later
	}
	for i, r := range v.code.values(rows) {
		c := &odd[places[i]]
		if i >= done || failures[i] != nil || !sameSets(r.Set, c.set) {
			c.class = MismatchVaries
		}
	}
	return nil
}

// differing asks the database which rows it would store another value for. A
// row that has moved on is left out.
func (v *rowVerifier[M]) differing(ctx context.Context, rows []computed[M]) ([]computed[M], error) {
	var out []computed[M]
	size := max(1, min(100, 5000/(len(v.full.writes)+len(v.full.keys)+len(v.full.guards))))
	for chunk := range slices.Chunk(rows, size) {
		part, err := v.differingPart(ctx, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// differingPart asks for a few rows. A value that the database cannot even
// make one of the column's type is found by halves.
func (v *rowVerifier[M]) differingPart(ctx context.Context, rows []computed[M]) ([]computed[M], error) {
	var out []computed[M]
	err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		out, err = v.ask(ctx, q, rows)
		return err
	})
	switch {
	case err == nil || v.d.Classify(err) != dialect.BadRow:
		return out, err
	case len(rows) == 1:
		rows[0].class = MismatchRefused
		return rows, nil
	}
	left, err := v.differingPart(ctx, rows[:len(rows)/2])
	if err != nil {
		return nil, err
	}
	right, err := v.differingPart(ctx, rows[len(rows)/2:])
	return append(left, right...), err
}

// ask compares some rows with one statement, which finds each by its key, and
// only while what was read of it stands.
func (v *rowVerifier[M]) ask(ctx context.Context, q dialect.Querier, rows []computed[M]) ([]computed[M], error) {
	var parts []string
	var args []any
	for i, c := range rows {
		text, more := v.question(i, c)
		parts, args = append(parts, text), append(args, more...)
	}
	res, err := q.QueryContext(ctx, strings.Join(parts, " UNION ALL "), args...)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	var out []computed[M]
	flags := make([]int64, 1+len(v.full.writes)) // the row's place, then 1 for each column that differs
	dest := make([]any, len(flags))
	for i := range flags {
		dest[i] = &flags[i]
	}
	for res.Next() {
		if err := res.Scan(dest...); err != nil {
			return nil, err
		}
		if flags[0] < 0 || flags[0] >= int64(len(rows)) {
			return nil, errors.New("the database answered for a row that was not asked for")
		}
		c := rows[flags[0]]
		c.differ = nil
		for j, f := range v.full.writes {
			if flags[1+j] != 0 {
				c.differ = append(c.differ, f.Name)
			}
		}
		if len(c.differ) > 0 {
			out = append(out, c)
		}
	}
	return out, res.Err()
}

// question builds the part of the statement that compares one row.
func (v *rowVerifier[M]) question(n int, c computed[M]) (string, []any) {
	var b strings.Builder
	var args []any
	b.WriteString("SELECT " + strconv.Itoa(n))
	for j, f := range v.full.writes {
		col := v.cols[f.Name]
		expr := v.d.Assigned(col)
		if text, ok := c.set[j].(schema.Safe); ok {
			expr = "(" + string(text) + ")"
		} else {
			args = append(args, c.set[j])
		}
		b.WriteString(", CASE WHEN " + v.d.Holds(col, expr) + " THEN 0 ELSE 1 END")
	}
	b.WriteString(" FROM " + v.from + " WHERE ")
	for j, col := range v.walk.Keys {
		b.WriteString(col.SQL + " = " + v.d.Bind(col) + " AND ")
		args = append(args, c.row.key[j])
	}
	for j, f := range v.full.guards {
		col := v.cols[f.Name]
		b.WriteString(v.d.Same(col, v.d.Carry(col)) + " AND ")
		args = append(args, dialect.Stored(c.row.guard[j]))
	}
	b.WriteString(v.settled())
	return b.String(), args
}
