package dualread

import (
	"context"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// BeforeInsert is for the method of that name of the model, which bun calls before
// every insert of it:
//
//	func (*Track) BeforeInsert(ctx context.Context, q *bun.InsertQuery) error {
//		return trackLength().BeforeInsert(ctx, q)
//	}
//
// So no insert can forget a side. A model that has a value on one side only gets it
// on the other, and columns that a list leaves out are added to it. A field of an
// old column that is zero in Go is one that was not set. A model in which both sides
// are set and do not go together is saved by the side that Wins, or the query fails.
//
// An update in the insert (ON CONFLICT … DO UPDATE, ON DUPLICATE KEY UPDATE) must
// set the columns of both sides, or of none. What bun's Value puts in the place of a
// field, and an insert from a query, are not seen.
func (m Move[M, V]) BeforeInsert(_ context.Context, q *bun.InsertQuery) error {
	if m.NewRelation != "" {
		return moveError(m.Name, []string{"a hook cannot see another table: save it with Column.SaveNew"})
	}
	rows, _ := models[M](q.GetModel())
	fields := fieldsOf[M](q, m.OldColumns)
	for _, row := range rows {
		if next, ok := m.New(row); ok && allZero(row, fields) {
			m.SetOld(row, next)
		}
		if !m.reconcile(row) {
			return m.disagreeing("insert", q)
		}
	}
	sql, ok := rendered(q, schema.NewNopQueryGen())
	if !ok {
		return nil // bun says what is wrong with it
	}
	all := tokens(sql, backslashes(q))
	listed := map[string]assigned{}
	for _, name := range inserted(all) {
		listed[name] = assigned{}
	}
	if missing := m.missing(listed); len(missing) > 0 {
		if len(rows) == 0 {
			return m.refuse("insert", q, "lists the columns of one side only", "list "+quoted(missing)+" too")
		}
		q.Column(missing...)
	}
	if set := assignments(sql, all); set != nil {
		if missing := m.missing(set); len(missing) > 0 {
			return m.refuse("insert", q, "updates a row that is there on one side only",
				"set "+quoted(missing)+` too, such as .Set("? = EXCLUDED.?", …), or on MariaDB .Set("? = VALUES(?)", …)`)
		}
	}
	return nil
}
