package dualread

import (
	"reflect"

	"github.com/uptrace/bun/schema"
)

// Expr returns the value as an SQL expression, an argument for a ? in bun's
// ColumnExpr, Where, OrderExpr and so on:
//
//	phase     expression
//	old       (OldSQL)
//	fallback  COALESCE(new column, (OldSQL))
//	compare   COALESCE(new column, (OldSQL))
//	new       new column
//
// Columns are quoted, and qualified by the alias that bun gives to the model M,
// also in queries with joins and in queries for another model. When the table goes
// by another name there, as in a bun relation or a self-join, use [Column.ExprAs].
//
// The expression keeps the phase that the column is in now, so that all places
// of one query agree when it is used for all of them; make one for each query.
//
// No index over one of the columns serves the COALESCE. Where a list lives on
// such an index, index that expression or stay in PhaseOld until PhaseNew.
func (c *Column[M, V]) Expr() schema.QueryAppender {
	return c.expr(c.Phase(), appendModelAlias[M])
}

// ExprAs is [Column.Expr] with the columns qualified by the given alias, which is
// quoted, or not qualified at all when it is empty.
func (c *Column[M, V]) ExprAs(alias string) schema.QueryAppender {
	return c.expr(c.Phase(), func(gen schema.QueryGen, b []byte) ([]byte, error) {
		if alias == "" {
			return b, nil
		}
		return append(gen.AppendIdent(b, alias), '.'), nil
	})
}

// expr returns the value as read in phase. The qualifier is put before each
// column, and ends in a dot unless it is empty.
func (c *Column[M, V]) expr(phase Phase, qualifier appender) appender {
	next := column(qualifier, c.move.NewColumn)
	if phase == PhaseNew {
		return next
	}
	args := make([]any, 0, len(c.move.OldColumns))
	for _, name := range c.move.OldColumns {
		args = append(args, column(qualifier, name))
	}
	old := template("("+c.move.OldSQL+")", args...)
	if phase == PhaseOld {
		return old
	}
	return template("COALESCE(?, ?)", next, old)
}

// appender is a function that appends itself to a query. It is a function, and
// not a struct, because bun takes a struct that is a query's only argument for
// a model, and registers it.
type appender func(gen schema.QueryGen, b []byte) ([]byte, error)

var _ schema.QueryAppender = appender(nil)

// AppendQuery implements schema.QueryAppender.
func (f appender) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) { return f(gen, b) }

// template appends sql with args in place of bun's placeholders.
func template(sql string, args ...any) appender {
	return func(gen schema.QueryGen, b []byte) ([]byte, error) {
		return gen.AppendQuery(b, sql, args...), nil
	}
}

// column appends the name of a column, qualified and quoted.
func column(qualifier appender, name string) appender {
	return func(gen schema.QueryGen, b []byte) ([]byte, error) {
		b, err := qualifier(gen, b)
		if err != nil {
			return nil, err
		}
		return gen.AppendName(b, name), nil
	}
}

// appendModelAlias appends the alias that bun uses for the table of M. The
// query's own alias would be wrong in a query for another model.
func appendModelAlias[M any](gen schema.QueryGen, b []byte) ([]byte, error) {
	table := gen.Dialect().Tables().Get(reflect.TypeFor[M]())
	return append(append(b, table.SQLAlias...), '.'), nil
}
