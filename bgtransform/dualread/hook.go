package dualread

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
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

func (m Move[M, V]) columns() []string { return slices.Concat(m.OldColumns, m.NewColumns) }

// unset returns the columns of both sides that are not set.
func (m Move[M, V]) unset(set map[string]assigned) []string { return without(m.columns(), set) }

// missing returns the columns that are not set although others of them are.
func (m Move[M, V]) missing(set map[string]assigned) []string {
	if missing := m.unset(set); len(missing) < len(m.columns()) {
		return missing
	}
	return nil
}

// disagreeing says that a model holds two values.
func (m Move[M, V]) disagreeing(what string, q schema.Query) error {
	return m.refuse(what, q, "would save two values that do not go together, or a part of one", "set both sides with Column.Write, or say in Wins which one is saved")
}

// refuse says what a query would do, and what to write instead.
func (m Move[M, V]) refuse(what string, q schema.Query, does, instead string) error {
	return moveError(m.Name, []string{fmt.Sprintf("the %s of %s %s, of columns %s: %s", what, q.GetTableName(), does, quoted(m.columns()), instead)})
}

func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

func without(names []string, set map[string]assigned) []string {
	var left []string
	for _, n := range names {
		if _, ok := set[n]; !ok {
			left = append(left, n)
		}
	}
	return left
}

// models returns the rows that a query is about, and whether they are a slice; none
// when it has a nil model, or one of another type.
func models[M any](model schema.Model) (rows []*M, slice bool) {
	if model == nil {
		return nil, false
	}
	switch v := model.Value().(type) {
	case *M:
		if v != nil {
			rows = []*M{v}
		}
	case *[]M:
		for i := range *v {
			rows = append(rows, &(*v)[i])
		}
		slice = true
	case *[]*M:
		rows, slice = *v, true
	}
	return rows, slice
}

// connected is a query that knows its database.
type connected interface {
	schema.Query
	DB() *bun.DB
}

// fieldsOf returns the model's fields of some columns.
func fieldsOf[M any](q connected, names []string) []*schema.Field {
	table := q.DB().Table(reflect.TypeFor[M]())
	fields := make([]*schema.Field, 0, len(names))
	for _, name := range names {
		if f, ok := table.FieldMap[name]; ok {
			fields = append(fields, f)
		}
	}
	return fields
}

func allZero[M any](row *M, fields []*schema.Field) bool {
	strct := reflect.ValueOf(row).Elem()
	return !slices.ContainsFunc(fields, func(f *schema.Field) bool { return !f.HasZeroValue(strct) })
}

// rendered returns a query's text.
func rendered(q schema.Query, gen schema.QueryGen) (string, bool) {
	b, err := q.AppendQuery(gen, nil)
	return string(b), err == nil
}

// backslashes reports whether a backslash in a text escapes what follows.
func backslashes(q connected) bool { return q.DB().Dialect().Name() == dialect.MySQL }
