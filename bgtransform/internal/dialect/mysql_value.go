package dialect

import (
	"encoding/hex"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/uptrace/bun/schema"
)

// mysqlGetter gets the field's value in a form that can be bound: an int64, a
// uint64, a float64, a string or a []byte; SQL text where only the server knows.
func mysqlGetter(gen schema.QueryGen, f *schema.Field, c Column) Getter {
	get := getter(gen, f)
	return func(model reflect.Value) any {
		switch v := get(model).(type) {
		case bool:
			if v {
				return int64(1)
			}
			return int64(0)
		case schema.Safe:
			return mysqlLiteral(c, string(v))
		default:
			return v
		}
	}
}

// mysqlLiteral turns the SQL text that bun makes of a value into a value to
// bind, if the server would make the same of both.
func mysqlLiteral(c Column, literal string) any {
	if literal == "NULL" {
		return nil
	}
	if text, ok := mysqlUnquoted(literal); ok {
		return text
	}
	if raw, ok := mysqlUnhexed(literal); ok && (c.Kind == Text || c.Kind == Bytes) {
		return raw
	}
	switch c.Kind {
	case Int:
		if strings.EqualFold(literal, "true") {
			return int64(1)
		}
		if strings.EqualFold(literal, "false") {
			return int64(0)
		}
		if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(literal, 10, 64); err == nil {
			return u
		}
	case Float:
		if x, err := strconv.ParseFloat(literal, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) && x != 0 {
			return x
		}
	default:
	}
	return schema.Safe(literal)
}

// mysqlUnquoted returns the text in a string literal as bun writes it, in which
// quotes and backslashes are doubled.
func mysqlUnquoted(literal string) (string, bool) {
	text, ok := unquoted(literal)
	if !ok {
		return "", false
	}
	if strings.Count(text, `\`) != 2*strings.Count(text, `\\`) {
		return "", false
	}
	return strings.ReplaceAll(text, `\\`, `\`), true
}

func mysqlUnhexed(literal string) ([]byte, bool) {
	digits, ok := strings.CutPrefix(literal, "X'")
	if !ok {
		return nil, false
	}
	digits, ok = strings.CutSuffix(digits, "'")
	if !ok {
		return nil, false
	}
	raw, err := hex.DecodeString(digits)
	return raw, err == nil
}
