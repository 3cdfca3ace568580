package bgtransform

import (
	"context"
	"fmt"
	"reflect"

	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// What SQL says about a row, as bits of a number.
const (
	sqlPending  = 1 << iota // the new columns hold nothing, the old ones do
	sqlMoved                // the new columns hold something
	sqlForward              // they hold what Forward makes of the old ones
	sqlBackward             // the old columns hold what Backward makes of the new ones
)

// sidesReader reads rows with all columns of a move and with what SQL says about
// them, and asks the functions of the definition what they say.
type sidesReader[M, V any] struct {
	column   *dualread.Column[M, V]
	table    *table // of M
	old      []*schema.Field
	plan     *rowPlan // of the columns in the table of M
	flags    string   // SQL text, complete: the bits
	backward bool     // there is one
	caller   *caller

	// Where the new columns are in another table; else nil.
	relation *schema.Relation
	far      *rowPlan
}

// seen is a row that was read.
type seen[M any] struct {
	row[M]
	flags int64
	err   error // the model cannot be filled from it
}

// look is the reader's part of an [agreement].
func (r *sidesReader[M, V]) look(ctx context.Context, q dialect.Querier, cond string, args []any) (inquiry, error) {
	list := r.plan.selectList()
	n := len(r.plan.selects)
	values := make([]any, n, n+1)
	if r.far != nil {
		list += ", " + r.far.selectList()
		values = append(values, make([]any, len(r.far.selects))...)
	}
	query := "SELECT " + list + ", " + r.flags + " FROM " + r.table.from + " WHERE " + cond + " ORDER BY " + r.table.walk.Order()
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read both sides of rows: %w", err)
	}
	defer rows.Close()
	var from pieces[M]
	var all []seen[M]
	var flags int64
	dest := make([]any, len(values), len(values)+1)
	for i := range values {
		dest[i] = &values[i]
	}
	dest = append(dest, &flags)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("read both sides of rows: %w", err)
		}
		one := seen[M]{row: from.row(len(r.plan.keys), len(r.plan.guards)), flags: flags}
		model := reflect.ValueOf(one.model).Elem()
		one.err = r.plan.scan(values[:n], one.key, one.guard, model)
		if r.far != nil && one.err == nil && flags&sqlMoved != 0 {
			one.err = r.related(model, values[n:])
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read both sides of rows: %w", err)
	}
	return func(ctx context.Context) ([]Mismatch, error) { return r.ask(ctx, all) }, nil
}

// ask asks the functions about each row, a panic or a hang of which is the row's own.
func (r *sidesReader[M, V]) ask(ctx context.Context, all []seen[M]) ([]Mismatch, error) {
	classes := make([]string, len(all))
	failures, done, err := r.caller.each(ctx, len(all), 1, 0, func(_ context.Context, i int) error {
		if all[i].err == nil {
			classes[i] = r.disagreement(&all[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if done < len(all) {
		return nil, errAbandoned
	}
	var list []Mismatch
	for i := range all {
		class := ""
		switch f := failures[i]; {
		case all[i].err != nil:
			class = MismatchUnchecked + ": scan"
		case f != nil:
			class = MismatchDisagrees + ": " + failed(f)
		default:
			class = classes[i]
		}
		if class == "" {
			continue
		}
		text, err := all[i].key.Encode()
		if err != nil {
			return nil, err
		}
		list = append(list, Mismatch{Key: text, Class: class})
	}
	return list, nil
}

// failed says what a function of the definition did.
func failed(f *failure) string {
	switch f.class {
	case "panic":
		return "a function (Go) panics"
	case "timeout":
		return "a function (Go) hangs"
	default:
		return "a function (Go) ends its goroutine"
	}
}

// disagreement returns the class of a row about which Go and SQL disagree; else nothing.
func (r *sidesReader[M, V]) disagreement(one *seen[M]) string {
	class := r.compare(one)
	if class == "" {
		return ""
	}
	return MismatchDisagrees + ": " + class
}

// compare says who disagrees. A row that is out of date by SQL alone is one that the
// transform moves again, or a repair writes, unless Go has written it so.
func (r *sidesReader[M, V]) compare(one *seen[M]) string {
	is := func(flag int64) bool { return one.flags&flag != 0 }
	said := r.column.Sides(one.model)
	switch {
	case !is(sqlMoved) && (!said.Old || is(sqlPending)):
		return "" // there is nothing to move, or it is to be moved
	case !is(sqlMoved):
		return "Old (Go) finds a value, and " + r.teller() + " (SQL) none"
	case !said.New:
		return "New (Go) finds no value in columns that are not null"
	case is(sqlForward) && !said.Old:
		return "Old (Go) finds no value, and " + r.teller() + " (SQL) one"
	case is(sqlForward) && !said.Equal, !is(sqlForward) && !r.backward && said.Equal:
		return "Old (Go) and Forward (SQL) make different values"
	case is(sqlForward):
		return ""
	case is(sqlBackward) && !said.Together, r.backward && !is(sqlBackward) && r.writtenTwice(one.model):
		return "SetOld (Go) and Backward (SQL) make different values"
	default:
		return ""
	}
}

// teller is what says in SQL whether the old columns hold a value.
func (r *sidesReader[M, V]) teller() string {
	if r.column.Move().HasOld != "" {
		return "HasOld"
	}
	return "Forward"
}

// writtenTwice reports whether the old columns hold just what a dual write of the new
// value leaves there.
func (r *sidesReader[M, V]) writtenTwice(m *M) bool {
	def := r.column.Move()
	v, _ := def.New(m)
	return sameBack(def, r.old, m, v)
}
