package dialect

import (
	"reflect"
	"strings"

	"github.com/uptrace/bun/schema"
)

// Update is a guarded update of many rows: each row is found by its key, and
// written only while its guards still hold what was read and Where is true.
type Update struct {
	Table  string   // quoted, with its alias
	Keys   []string // quoted
	Sets   []string // quoted
	Guards []string // quoted
	Where  string   // the pending condition, in SQL
	Rows   []Row
}

// Row holds the values of one row, in the order of the columns of [Update].
// A value of type [schema.Safe] in Set is SQL text; all others are bound.
type Row struct {
	Key, Set, Guard []any

	Changed bool // set by [Dialect].Write: the row was found, and written
}

// Value returns the value of a model's field for [Row].Set: a driver value
// where Go and SQL agree on what that is, else the SQL literal that bun makes
// of it, so that a field is stored just as the app's own writes store it.
func Value(gen schema.QueryGen, f *schema.Field, model reflect.Value) any {
	if f.NullZero && f.HasZeroValue(model) {
		return nil
	}
	if plain(f) {
		v := f.Value(model)
		if f.IsPtr {
			if v.IsNil() {
				return nil
			}
			v = v.Elem()
		}
		return v.Interface()
	}
	return schema.Safe(f.AppendValue(gen, nil, model))
}

// plain reports whether every driver stores the field's Go value as bun would.
func plain(f *schema.Field) bool {
	if len(f.Index) != 1 || len(f.Tag.Options["msgpack"]) > 0 {
		return false
	}
	switch f.IndirectType {
	case reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](),
		reflect.TypeFor[bool](), reflect.TypeFor[string]():
		return true
	default:
		return false
	}
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
		b.WriteString(col + " = ")
		if text, ok := safeText(row, i); ok {
			b.WriteString(text)
		} else {
			b.WriteByte('?')
		}
	}
	b.WriteString(" WHERE ")
	for _, col := range u.Keys {
		b.WriteString(col + " = ? AND ")
	}
	for _, col := range u.Guards {
		b.WriteString(d.Same(col) + " AND ")
	}
	b.WriteString("(" + u.Where + ")")
	return b.String()
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
