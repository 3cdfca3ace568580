package dialect

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Update is a guarded update of many rows: each row is found by its key, and
// written only while its guards still hold what was read and Where is true.
type Update struct {
	Table  string // quoted, with its alias
	Keys   []Column
	Sets   []Column
	Guards []Column
	Where  string // the pending condition, in SQL; empty for none
	Also   string // SET clauses, in SQL, for every row that is written; empty for none
	Rows   []Row

	// Range is a condition that the keys of all rows fulfil anyway, such as the range
	// that they were read from; empty for none. A server that joins the rows to the
	// table can read that part of it in one go, instead of looking each key up.
	Range     string
	RangeArgs []any // bound to Range

	// Raw tells that the values in Set are what Raw has read once, as those in
	// Key and Guard are, and no new ones.
	Raw bool
}

// Row holds the values of one row, in the order of the columns of [Update], as
// [Dialect].Raw reads them. A value of type [schema.Safe] in Set is SQL text.
type Row struct {
	Key, Set, Guard []any

	Changed bool // set by [Dialect].Write: the row was found, and written
}

// statement builds the UPDATE of one row. Set values that are SQL text stand
// in it; a nil row gives the statement in which every value is bound.
func (u Update) statement(d *Dialect, row *Row) string {
	var b strings.Builder
	b.WriteString("UPDATE " + u.Table + " SET ")
	for i, col := range u.Sets {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(col.SQL + " = ")
		if text, ok := safeText(row, i); ok {
			b.WriteString(text)
		} else {
			b.WriteString(u.assigned(d, col))
		}
	}
	if u.Also != "" {
		if len(u.Sets) > 0 {
			b.WriteString(", ")
		}
		b.WriteString(u.Also)
	}
	b.WriteString(" WHERE " + u.found(d))
	return b.String()
}

// found is the condition of one row that is to be written.
func (u Update) found(d *Dialect) string {
	var b strings.Builder
	for _, col := range u.Keys {
		b.WriteString(col.SQL + " = " + d.Bind(col) + " AND ")
	}
	for _, col := range u.Guards {
		b.WriteString(d.Same(col, d.Carry(col)) + " AND ")
	}
	b.WriteString(u.where())
	return b.String()
}

func (u Update) where() string {
	if u.Where == "" {
		return "1 = 1"
	}
	return "(" + u.Where + ")"
}

func (u Update) assigned(d *Dialect, c Column) string {
	if u.Raw {
		return d.Bind(c)
	}
	return d.Assigned(c)
}

// Assigned returns the expression of one bound value of [Row].Set.
func (d *Dialect) Assigned(c Column) string {
	if d.assign != nil {
		return d.assign(c)
	}
	return d.Bind(c)
}

func safeText(row *Row, i int) (string, bool) {
	if row == nil {
		return "", false
	}
	s, ok := row.Set[i].(schema.Safe)
	return string(s), ok
}

// args appends the values that the statement binds, in its order.
func (r *Row) args(dst []any) []any {
	for _, v := range r.Set {
		if _, text := v.(schema.Safe); !text {
			dst = append(dst, v)
		}
	}
	for _, v := range r.Key {
		dst = append(dst, Stored(v))
	}
	for _, v := range r.Guard {
		dst = append(dst, Stored(v))
	}
	return dst
}

// bound reports whether no value of the row is SQL text.
func (r *Row) bound() bool {
	for _, v := range r.Set {
		if _, text := v.(schema.Safe); text {
			return false
		}
	}
	return true
}

// writeSingly updates one row with a statement of its own.
func (d *Dialect) writeSingly(ctx context.Context, tx bun.Tx, u Update, row *Row) (int, error) {
	n, err := affected(d.Bound(tx).ExecContext(ctx, u.statement(d, row), row.args(nil)...))
	row.Changed = n > 0
	return n, err
}

// affected returns whether the update of one row changed it.
func affected(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err == nil && n > 1 {
		err = fmt.Errorf("one key matched %d rows: the model's primary key is not the table's", n)
	}
	return int(n), err
}
