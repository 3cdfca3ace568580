package dialect

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
)

// writeUnnested updates all rows with one statement, whose values are bound as
// one array a column: its text is the same for any number of rows, and so is
// its plan. Rows with SQL text in them get a statement of their own.
func (d *Dialect) writeUnnested(ctx context.Context, tx bun.Tx, u Update) (int, error) {
	changed := 0
	bound := make([]int, 0, len(u.Rows)) // the places of the rows that go together
	for i := range u.Rows {
		if u.Rows[i].bound() {
			bound = append(bound, i)
			continue
		}
		n, err := d.writeSingly(ctx, tx, u, &u.Rows[i])
		if err != nil {
			return 0, err
		}
		changed += n
	}
	if len(bound) == 0 {
		return changed, nil
	}
	args, err := u.arrays(bound)
	if err != nil {
		return 0, err
	}
	rows, err := d.Bound(tx).QueryContext(ctx, u.unnested(), args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
		row := &u.Rows[bound[n-1]]
		if row.Changed {
			return 0, fmt.Errorf("one key matched several rows: the model's primary key is not the table's")
		}
		row.Changed = true
		changed++
	}
	return changed, rows.Err()
}

// unnested builds the statement. It returns the position, from 1, of each row
// that it has written.
func (u Update) unnested() string {
	var arrays, names, sets, conds []string
	column := func(c Column) string {
		name := "bgt_" + strconv.Itoa(len(names)+1)
		arrays = append(arrays, "CAST("+Arg+" AS "+c.Kind.element()+"[])")
		names = append(names, name)
		return "bgt_new." + name
	}
	for _, c := range u.Sets {
		sets = append(sets, c.SQL+" = "+postgresTyped(c, column(c)))
	}
	if u.Also != "" {
		sets = append(sets, u.Also)
	}
	for _, c := range u.Keys {
		conds = append(conds, c.SQL+" = "+postgresTyped(c, column(c)))
	}
	for _, c := range u.Guards {
		conds = append(conds, postgresSame(c, column(c)))
	}
	return "UPDATE " + u.Table + " SET " + strings.Join(sets, ", ") +
		" FROM unnest(" + strings.Join(arrays, ", ") + ") WITH ORDINALITY AS bgt_new(" + strings.Join(names, ", ") + ", bgt_n)" +
		" WHERE " + strings.Join(conds, " AND ") + " AND " + u.where() + " RETURNING bgt_new.bgt_n"
}

// arrays returns the values of some rows, one slice a column, in the
// statement's order.
func (u Update) arrays(places []int) (args []any, err error) {
	add := func(cols []Column, values func(r *Row) []any) {
		for i, c := range cols {
			values, ok := array(c.Kind, len(places), func(n int) any { return values(&u.Rows[places[n]])[i] })
			if !ok {
				err = &RefusedError{fmt.Sprintf("column %s is not of type %s any more", c.SQL, c.Type)}
			}
			args = append(args, values)
		}
	}
	add(u.Sets, func(r *Row) []any { return r.Set })
	add(u.Keys, func(r *Row) []any { return r.Key })
	add(u.Guards, func(r *Row) []any { return r.Guard })
	return args, err
}

func array(k Kind, n int, at func(n int) any) (any, bool) {
	switch k {
	case Int:
		return typed[int64](n, at)
	case Float:
		return typed[float64](n, at)
	case Bytes:
		return typed[[]byte](n, at)
	default:
		return typed[string](n, at)
	}
}

// typed returns a slice of values: of pointers only if there is a NULL, because
// drivers bind slices of values faster. It is false for a value of another type,
// as it is read after a migration has changed the column under us.
func typed[T any](n int, at func(n int) any) (any, bool) {
	values := make([]T, n)
	nulls := false
	for i := range values {
		v := at(i)
		if v == nil {
			nulls = true
			continue
		}
		of, ok := v.(T)
		if !ok {
			return nil, false
		}
		values[i] = of
	}
	if !nulls {
		return values, true
	}
	pointers := make([]*T, n)
	for i := range pointers {
		if at(i) != nil {
			pointers[i] = &values[i]
		}
	}
	return pointers, true
}
