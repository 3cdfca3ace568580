package dialect

import (
	"encoding/hex"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/uptrace/bun/schema"
)

// postgresGetter gets the field's value in the form in which it is bound, or as
// bun's SQL text where a bound value might be stored in another way.
func postgresGetter(gen schema.QueryGen, f *schema.Field, c Column) Getter {
	get := getter(gen, f)
	return func(model reflect.Value) any {
		switch v := get(model).(type) {
		case nil:
			return nil
		case schema.Safe:
			return postgresLiteral(c, string(v))
		case string:
			if c.Kind == Text || c.Kind == Other {
				return v
			}
		case bool:
			if c.Type == "boolean" {
				return strconv.FormatBool(v)
			}
		case int64:
			switch {
			case c.Kind == Int:
				return v
			case c.Kind == Text, c.Type == "numeric":
				return strconv.FormatInt(v, 10)
			}
		}
		return postgresLiteral(c, string(f.AppendValue(gen, nil, model)))
	}
}

// postgresLiteral turns the SQL text that bun makes of a value into a value to
// bind, if it is a plain literal of which the column makes the same.
func postgresLiteral(c Column, literal string) any {
	if literal == "NULL" {
		return nil
	}
	text, quoted := unquoted(literal)
	switch c.Kind {
	case Int:
		if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
			return n
		}
	case Float:
		if f, ok := postgresFloat(c, literal, text); ok {
			return f
		}
	case Bytes:
		if digits, ok := strings.CutPrefix(text, `\x`); ok {
			if b, err := hex.DecodeString(digits); err == nil {
				return b
			}
		}
	default:
		if quoted {
			return text
		}
		if _, err := strconv.ParseFloat(literal, 64); err == nil && c.Type == "numeric" {
			return literal
		}
	}
	return schema.Safe(literal)
}

// postgresFloat reads a number as the server would. What the server refuses, or
// Go reads in another way, is the server's to read.
func postgresFloat(c Column, literal, unquoted string) (float64, bool) {
	switch unquoted {
	case "NaN":
		return math.Float64frombits(0x7ff8000000000000), true // the server's own; Go's has other bytes
	case "Infinity", "-Infinity":
		literal = unquoted
	}
	bits := 64
	if c.Type == "real" {
		bits = 32
	}
	f, err := strconv.ParseFloat(literal, bits)
	vanished := f == 0 && strings.ContainsAny(literal, "123456789")
	if f == 0 {
		f = 0 // a literal is a numeric first, which has no -0
	}
	return f, err == nil && !vanished && !strings.ContainsAny(literal, "xX_")
}
