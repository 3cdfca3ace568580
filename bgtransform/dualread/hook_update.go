package dualread

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// BeforeUpdate is for the method of that name of the model, which bun calls before
// every update of it:
//
//	func (*Track) BeforeUpdate(ctx context.Context, q *bun.UpdateQuery) error {
//		return trackLength().BeforeUpdate(ctx, q)
//	}
//
// So no update can forget a side:
//
//   - One that lists the columns of one side (Column) says by that which value is
//     meant: the other side gets it, and its columns are added to the list.
//   - One that saves both sides of a model, because it lists them or lists nothing,
//     fills the side that holds no value from the other. If both hold one and they
//     do not go together, the side that Wins is saved, or the query fails: only you
//     know which field was changed. [Column.Write] sets both.
//   - One that sets columns by expressions (Set), by Bulk for listed columns, or
//     leaves some out (OmitZero), must set those of both sides, or of none. Else the
//     query fails, and says which are missing.
//
// What is not seen is an update without a model, or of another model of the same table.
func (m Move[M, V]) BeforeUpdate(_ context.Context, q *bun.UpdateQuery) error {
	if m.NewRelation != "" {
		return moveError(m.Name, []string{"a hook cannot see another table: save it with Column.SaveNew"})
	}
	rows, bulk := models[M](q.GetModel())
	set := m.setBy(q, bulk)
	if set == nil || len(m.unset(set)) == len(m.columns()) {
		return nil // neither side, or bun says what is wrong with it
	}
	switch from := m.modelled(q, rows, set, bulk); {
	case from == 0 && len(m.missing(set)) == 0:
		return nil // by expressions, for both sides
	case from == 0 || len(rows) == 0:
		return m.refuse("update", q, "sets one side only, by an expression that cannot be converted",
			"set "+quoted(m.missing(set))+" too: Column.Set does it for a value")
	case from < len(m.columns())-len(m.unset(set)):
		return m.refuse("update", q, "sets one side by an expression and the other one by the model", "set both in the same way")
	}
	for _, row := range rows {
		if !m.complete(q, row, set) {
			return m.disagreeing("update", q)
		}
	}
	missing := m.missing(set)
	if len(missing) == 0 {
		return nil
	}
	q.Column(missing...)
	again := m.setBy(q, bulk)
	if len(m.missing(again)) > 0 || len(without(slices.Collect(maps.Keys(set)), again)) > 0 {
		return m.refuse("update", q, "leaves one side out", "list all of them with Column, before Bulk and without OmitZero")
	}
	return nil
}

// complete gives a model the value of the side that an update sets.
func (m Move[M, V]) complete(q connected, row *M, set map[string]assigned) bool {
	noOld, noNew := len(without(m.OldColumns, set)) > 0, len(without(m.NewColumns, set)) > 0
	if !noOld && !noNew {
		return m.reconcile(row)
	}
	if noOld { // the new side is meant, which must be complete
		next, ok := m.New(row)
		if ok && !noNew {
			m.SetOld(row, next)
		}
		return ok && !noNew
	}
	old, ok := m.Old(row)
	if ok {
		m.SetNew(row, old)
		return true
	}
	for _, f := range fieldsOf[M](q, m.NewColumns) { // it takes the value away
		f.Value(reflect.ValueOf(row).Elem()).SetZero()
	}
	return true
}

// setBy returns what an update sets; of a slice, what it sets each row to.
func (m Move[M, V]) setBy(q *bun.UpdateQuery, bulk bool) map[string]assigned {
	gen := q.DB().QueryGen()
	if bulk {
		gen = schema.NewNopQueryGen()
	}
	sql, ok := rendered(q, gen)
	if !ok {
		return nil
	}
	return assignments(sql, tokens(sql, backslashes(q)))
}

// modelled counts the columns of both sides that are set to what a model holds. An
// expression of the same text is none: it does not look the same in a query that is
// rendered without values.
func (m Move[M, V]) modelled(q *bun.UpdateQuery, rows []*M, set map[string]assigned, bulk bool) (n int) {
	if len(rows) == 0 {
		return 0
	}
	template := m.setBy(q, true)
	gen, row := q.DB().QueryGen(), reflect.ValueOf(rows[0]).Elem()
	for _, f := range fieldsOf[M](q, m.columns()) {
		got, is := set[f.Name]
		same := got.expr == string(f.AppendValue(gen, nil, row)) || got.expr == string(f.AppendValueOrDefault(gen, nil, row))
		if bulk {
			same = got.expr == "_data."+string(f.SQLName)
		} else if bare := template[f.Name]; bare.word || bare.expr != "?" {
			same = false
		}
		if is && same {
			n++
		}
	}
	return n
}
