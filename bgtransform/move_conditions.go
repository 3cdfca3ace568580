package bgtransform

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// conditions are those of a [Move], as SQL text that is complete.
type conditions struct {
	pending string // still to be moved, or to be moved again
	differs string // moved, and not what the old columns say; empty: nobody can tell

	null, moved       string // still to be moved; moved
	forward, backward string // the new columns hold what Forward makes; the old ones what Backward does; empty: it is not defined
}

// flags is a number of the bits that [sidesReader] knows. What is not moved is not
// computed: its text may be none that Forward can convert.
func (c conditions) flags() string {
	bit := func(cond string, n int) string { return fmt.Sprintf("CASE WHEN (%s) THEN %d ELSE 0 END", cond, n) }
	moved := fmt.Sprintf("%d + %s", sqlMoved, bit(c.forward, sqlForward))
	if c.backward != "" {
		moved += " + " + bit(c.backward, sqlBackward)
	}
	return "CASE WHEN (" + c.moved + ") THEN " + moved + " ELSE " + bit(c.null, sqlPending) + " END"
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
func (m Move[M, V]) conditions(db *bun.DB, old, next *table) conditions {
	def := m.Column.Move()
	c := conditions{pending: spelled(db, m.Column.Pending()), moved: spelled(db, m.Column.Moved())}
	c.null = c.pending
	var tests []string
	if backward := m.Column.Backward(); backward != nil {
		columns := make([]string, len(def.OldColumns))
		for i, name := range def.OldColumns {
			columns[i] = string(old.SQLAlias) + "." + string(old.FieldMap[name].SQLName)
		}
		c.backward = holdAll(db, old, def.OldColumns, columns, backward)
		tests = append(tests, "NOT ("+c.backward+")")
	}
	if forward := m.Column.Forward(); forward != nil {
		columns := make([]string, len(def.NewColumns))
		for i, column := range m.Column.New() {
			columns[i] = spelled(db, column)
		}
		c.forward = holdAll(db, next, def.NewColumns, columns, forward)
		tests = append(tests, "NOT ("+c.forward+")")
	}
	if len(tests) == 0 {
		return c
	}
	c.differs = "(" + c.moved + ") AND " + strings.Join(tests, " AND ")
	if def.Backward != nil {
		c.pending = "(" + c.pending + ") OR (" + c.differs + ")"
	}
	return c
}

// holdAll is true for rows in which each column, as it is read, holds what its
// expression makes.
func holdAll(db *bun.DB, t *table, names, columns []string, exprs []schema.QueryAppender) string {
	tests := make([]string, len(names))
	for i, name := range names {
		col := t.cols[name]
		col.SQL = columns[i]
		tests[i] = t.d.Holds(col, spelled(db, exprs[i]))
	}
	return strings.Join(tests, " AND ")
}
