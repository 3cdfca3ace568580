package bgtransform

import (
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// conditions are those of a [Move], as SQL text that is complete.
type conditions struct {
	pending string // still to be moved, or to be moved again
	differs string // moved, and not what the old columns say; empty: nobody can tell
}

// wrong is the condition of rows that a verification calls wrong.
func (c conditions) wrong() string {
	if c.differs == "" {
		return ""
	}
	return "?"
}

func (c conditions) wrongArgs() []any {
	if c.differs == "" {
		return nil
	}
	return []any{bun.Safe(c.differs)}
}

// conditions spells them for the columns as they are in the database.
//
// A new value goes with the old one if it is what Forward makes of it, which a
// moved row has, or if the old one is what Backward makes of the new one, which a
// row has that was written by a dual write. Bytes are compared: what is written
// in other letters is another value, whatever the collation.
func (m Move[M, V]) conditions(db *bun.DB, t *table) conditions {
	def := m.Column.Move()
	c := conditions{pending: spelled(db, m.Column.Pending())}
	var tests []string
	for _, side := range []struct {
		names []string
		exprs []schema.QueryAppender
	}{{def.OldColumns, m.Column.Backward()}, {def.NewColumns, m.Column.Forward()}} {
		if side.exprs != nil {
			tests = append(tests, "NOT ("+holdAll(db, t, side.names, side.exprs)+")")
		}
	}
	if len(tests) == 0 {
		return c
	}
	c.differs = "(" + spelled(db, m.Column.Moved()) + ") AND " + strings.Join(tests, " AND ")
	if def.Backward != nil {
		c.pending = "(" + c.pending + ") OR (" + c.differs + ")"
	}
	return c
}

// holdAll is true for rows in which each column holds what its expression makes.
func holdAll(db *bun.DB, t *table, names []string, exprs []schema.QueryAppender) string {
	tests := make([]string, len(names))
	for i, name := range names {
		col := t.cols[name]
		col.SQL = string(t.SQLAlias) + "." + col.SQL
		tests[i] = t.d.Holds(col, spelled(db, exprs[i]))
	}
	return strings.Join(tests, " AND ")
}
