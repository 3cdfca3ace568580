package dualread

import (
	"strings"

	"github.com/uptrace/bun/schema"
)

// Pending returns an SQL condition that is true for the rows that are not moved
// yet: whose new columns are null although the old ones hold a value. Those of
// which the new value is out of date are not among them.
//
// Columns are qualified as in [Column.Expr].
func (c *Column[M, V]) Pending() schema.QueryAppender {
	return template("? AND ?", c.allNull(appendModelAlias[M]), c.hasOld(appendModelAlias[M]))
}

// Moved returns an SQL condition that is true for the rows that have been moved:
// of which one of the new columns is not null.
//
// Columns are qualified as in [Column.Expr].
func (c *Column[M, V]) Moved() schema.QueryAppender {
	return template("NOT ?", c.allNull(appendModelAlias[M]))
}

// New returns the new columns, as one SQL expression for each: a subquery where they
// are in another table. Columns are qualified as in [Column.Expr].
func (c *Column[M, V]) New() []schema.QueryAppender {
	exprs := make([]schema.QueryAppender, len(c.move.NewColumns))
	for i, name := range c.move.NewColumns {
		exprs[i] = c.newColumn(appendModelAlias[M], name)
	}
	return exprs
}

// Forward returns what moving a row puts into the new columns, as one SQL
// expression for each: Forward of the definition, or null where the old columns
// hold no value. It is nil without Forward. Columns are qualified as in [Column.Expr].
func (c *Column[M, V]) Forward() []schema.QueryAppender {
	exprs := expressions(c.move.Forward, columns(appendModelAlias[M], c.move.OldColumns))
	if c.move.HasOld == "" {
		return exprs // one that is null is null
	}
	for i, expr := range exprs {
		exprs[i] = template("CASE WHEN ? THEN ? END", c.hasOld(appendModelAlias[M]), expr)
	}
	return exprs
}

// Backward returns what a dual write leaves in the old columns, as one SQL
// expression for each: Backward of the definition. It is nil without that.
// Columns are qualified as in [Column.Expr].
func (c *Column[M, V]) Backward() []schema.QueryAppender {
	return expressions(c.move.Backward, c.newColumns(appendModelAlias[M]))
}

func expressions(sql []string, args []any) []schema.QueryAppender {
	var out []schema.QueryAppender
	for _, one := range sql {
		out = append(out, template("("+one+")", args...))
	}
	return out
}

// allNull is true when no new column holds anything.
func (c *Column[M, V]) allNull(qualifier appender) appender {
	return joined(c.newColumns(qualifier), "? IS NULL", " AND ")
}

// hasOld is true when the old columns hold a value.
func (c *Column[M, V]) hasOld(qualifier appender) appender {
	old := columns(qualifier, c.move.OldColumns)
	switch {
	case c.move.HasOld != "":
		return template("("+c.move.HasOld+")", old...)
	case c.move.Forward == nil:
		return joined(old, "? IS NOT NULL", " OR ")
	}
	var forward []any
	for _, sql := range c.move.Forward {
		forward = append(forward, template("("+sql+")", old...))
	}
	return joined(forward, "? IS NOT NULL", " OR ")
}

// joined makes one condition of what test says of each argument.
func joined(args []any, test, separator string) appender {
	tests := make([]string, len(args))
	for i := range tests {
		tests[i] = test
	}
	return template("("+strings.Join(tests, separator)+")", args...)
}
