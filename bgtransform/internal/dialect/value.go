package dialect

import (
	"reflect"
	"strings"

	"github.com/uptrace/bun/schema"
)

// Getter returns the value of a field of a model.
type Getter func(model reflect.Value) any

// getter returns what gets the value of a model's field: an int64, a string, a
// bool or nil where Go and SQL agree on what that is, else the SQL text that bun
// makes of it, so that a field is stored just as the app's own writes store it.
func getter(gen schema.QueryGen, f *schema.Field) Getter {
	if !plain(f) {
		return func(model reflect.Value) any {
			if f.NullZero && f.HasZeroValue(model) {
				return nil
			}
			return schema.Safe(f.AppendValue(gen, nil, model))
		}
	}
	at := f.Index[0]
	return func(model reflect.Value) any {
		v := model.Field(at)
		if f.NullZero && f.IsZero(v) {
			return nil
		}
		if f.IsPtr {
			if v.IsNil() {
				return nil
			}
			v = v.Elem()
		}
		return bare(v)
	}
}

// bare returns the value of a [plain] field.
func bare(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint()) // plain has none that is too large
	case v.Kind() == reflect.String:
		return v.String()
	default:
		return v.Bool()
	}
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
