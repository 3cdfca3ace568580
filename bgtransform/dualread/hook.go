package dualread

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

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
