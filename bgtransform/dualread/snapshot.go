package dualread

import "reflect"

// deepest is how deep a snapshot goes. Values of columns are flat; it is there so
// that one which contains itself has an end.
const deepest = 16

// snapshot returns a copy of v that shares no memory with it, as far as exported
// fields show: whoever has v may change it in place. What a type hides behind
// unexported fields, as time.Time and big.Int do, is taken for its own business.
func snapshot[V any](v V) V {
	r := reflect.ValueOf(&v).Elem()
	r.Set(copied(r, deepest))
	return v
}

func copied(v reflect.Value, depth int) reflect.Value {
	if depth == 0 || !hasPointers(v.Type()) {
		return v
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(copied(v.Elem(), depth-1))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(copied(v.Elem(), depth-1))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			out.Index(i).Set(copied(v.Index(i), depth-1))
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		}
		for key, value := range v.Seq2() {
			out.SetMapIndex(key, copied(value, depth-1))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(copied(v.Field(i), depth-1))
			}
		}
	default: // what remains is not copied: a function, a channel
	}
	return out
}

// hasPointers reports whether values of t may lead to memory of others.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	case reflect.Array:
		return hasPointers(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && hasPointers(f.Type) {
				return true
			}
		}
		return false
	default:
		return false
	}
}
