package dialect

import (
	"reflect"
	"strings"

	"github.com/uptrace/bun/schema"
)

// value returns the value of a model's field: a driver value where Go and SQL
// agree on what that is, else the SQL text that bun makes of it, so that a
// field is stored just as the app's own writes store it.
func value(gen schema.QueryGen, f *schema.Field, model reflect.Value) any {
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

// wide returns any integer of [plain] as an int64.
func wide(v any) (int64, bool) {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return r.Int(), true
	case r.CanUint():
		return int64(r.Uint()), true // plain has none that is too large
	default:
		return 0, false
	}
}

// unquoted returns the text in a plain SQL string literal; false for any other
// expression. Backslashes must be literal in it.
func unquoted(literal string) (string, bool) {
	body, ok := strings.CutPrefix(literal, "'")
	if !ok {
		return "", false
	}
	body, ok = strings.CutSuffix(body, "'")
	if !ok || strings.Count(body, "'") != 2*strings.Count(body, "''") {
		return "", false
	}
	return strings.ReplaceAll(body, "''", "'"), true
}
