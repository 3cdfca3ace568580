package dualread

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun/schema"
)

// Expr returns the value as an SQL expression, an argument for a ? in bun's
// ColumnExpr, Where, OrderExpr and so on:
//
//	phase     expression
//	old       (Forward)
//	fallback  COALESCE(new column, (Forward))
//	compare   COALESCE(new column, (Forward))
//	new       new column
//
// A column of another table (NewRelation) is a subquery by its primary key.
//
// With several new columns, column says which one of them. With one it is left out.
//
// Columns are quoted, and qualified by the alias that bun gives to the model M,
// also in queries with joins and in queries for another model. When the table goes
// by another name there, as in a bun relation or a self-join, use [Column.ExprAs].
//
// The expression keeps the phase that the column is in now, so that all places
// of one query agree when it is used for all of them; make one for each query.
// A query fails with what is wrong when column is no new column, and when the
// phase reads the old ones and the move has no Forward.
//
// No index over one of the columns serves the COALESCE. Where a list lives on
// such an index, index that expression or stay in PhaseOld until PhaseNew.
func (c *Column[M, V]) Expr(column ...string) schema.QueryAppender {
	return c.expr(c.Phase(), appendModelAlias[M], column)
}

// ExprAs is [Column.Expr] with the columns qualified by the given alias, which is
// quoted, or not qualified at all when it is empty.
func (c *Column[M, V]) ExprAs(alias string, column ...string) schema.QueryAppender {
	return c.expr(c.Phase(), func(gen schema.QueryGen, b []byte) ([]byte, error) {
		if alias == "" {
			return b, nil
		}
		return append(gen.AppendIdent(b, alias), '.'), nil
	}, column)
}

// expr returns the value of a new column as read in phase. The qualifier is put
// before each column, and ends in a dot unless it is empty.
func (c *Column[M, V]) expr(phase Phase, qualifier appender, which []string) appender {
	i := c.newIndex(which)
	switch {
	case i < 0:
		return c.failing(fmt.Sprintf("want one of the columns %s", strings.Join(c.move.NewColumns, ", ")))
	case phase != PhaseNew && c.move.Forward == nil:
		return c.failing("Forward is missing: without it, SQL can read the value in phase new only")
	}
	next := c.newColumn(qualifier, c.move.NewColumns[i])
	if phase == PhaseNew {
		return next
	}
	old := template("("+c.move.Forward[i]+")", columns(qualifier, c.move.OldColumns)...)
	switch {
	case phase == PhaseOld:
		return old
	case len(c.move.NewColumns) == 1:
		return template("COALESCE(?, ?)", next, old)
	default: // a null may be a part of a value that was moved
		return template("CASE WHEN ? THEN ? ELSE ? END", c.allNull(qualifier), old, next)
	}
}

// newIndex returns the index of the new column that is meant, or -1.
func (c *Column[M, V]) newIndex(which []string) int {
	switch {
	case len(which) == 0 && len(c.move.NewColumns) == 1:
		return 0
	case len(which) != 1:
		return -1
	default:
		return slices.Index(c.move.NewColumns, which[0])
	}
}

// failing makes a query fail that uses it.
func (c *Column[M, V]) failing(problem string) appender {
	err := moveError(c.move.Name, []string{problem})
	return func(schema.QueryGen, []byte) ([]byte, error) { return nil, err }
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

// columns returns the named columns as arguments of a template.
func columns(qualifier appender, names []string) []any {
	args := make([]any, 0, len(names))
	for _, name := range names {
		args = append(args, column(qualifier, name))
	}
	return args
}

// appendModelAlias appends the alias that bun uses for the table of M. The
// query's own alias would be wrong in a query for another model.
func appendModelAlias[M any](gen schema.QueryGen, b []byte) ([]byte, error) {
	table := gen.Dialect().Tables().Get(reflect.TypeFor[M]())
	return append(append(b, table.SQLAlias...), '.'), nil
}
