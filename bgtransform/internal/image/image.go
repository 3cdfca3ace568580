// Package image makes text of the values that some columns of a row hold, and
// values of the text again, without losing a bit: what the journal keeps of a
// row before and after it was changed.
package image

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Encode returns the values of columns as text: a JSON object of ASCII
// characters without a backslash, whatever the values hold, so that no
// database's character set or quoting can touch it. Values are nil, int64,
// uint64, float64, string or []byte, as dialect.Load returns them.
//
//	{"length":"i200","note":"n","title":"sHello","blob":"bAAE="}
func Encode(columns []string, values []any) (string, error) {
	text := []byte{'{'}
	for i, name := range columns {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendName(text, name)
		text = append(text, ':', '"')
		var err error
		if text, err = appendValue(text, values[i]); err != nil {
			return "", err
		}
		text = append(text, '"')
	}
	return string(append(text, '}')), nil
}

// appendName appends a column's name. One that is not plain is marked by a
// character that no plain name has.
func appendName(text []byte, name string) []byte {
	text = append(text, '"')
	if plain(name) && (name == "" || name[0] != '=') {
		text = append(text, name...)
	} else {
		text = append(text, '=')
		text = base64.StdEncoding.AppendEncode(text, []byte(name))
	}
	return append(text, '"')
}

func appendValue(text []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(text, 'n'), nil
	case int64:
		return strconv.AppendInt(append(text, 'i'), v, 10), nil
	case uint64:
		return strconv.AppendUint(append(text, 'u'), v, 10), nil
	case float64:
		if math.IsNaN(v) { // of which there are many
			return strconv.AppendUint(append(text, 'x'), math.Float64bits(v), 16), nil
		}
		return strconv.AppendFloat(append(text, 'f'), v, 'g', -1, 64), nil
	case string:
		if plain(v) {
			return append(append(text, 's'), v...), nil
		}
		return base64.StdEncoding.AppendEncode(append(text, 't'), []byte(v)), nil
	case []byte:
		return base64.StdEncoding.AppendEncode(append(text, 'b'), v), nil
	default:
		return nil, fmt.Errorf("a value of type %T cannot be kept; want an integer, a float, a text, a blob or NULL", v)
	}
}

// plain reports whether a text stands for itself in a JSON string, in ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Decode returns the columns, in alphabetical order, and the values that
// Encode made text of.
func Decode(text string) (columns []string, values []any, err error) {
	var parts map[string]string
	if err := json.Unmarshal([]byte(text), &parts); err != nil {
		return nil, nil, errors.New("the image of a row is not an object of texts")
	}
	byName := make(map[string]any, len(parts))
	for key, part := range parts {
		name := key
		if len(key) > 0 && key[0] == '=' {
			raw, err := base64.StdEncoding.DecodeString(key[1:])
			if err != nil {
				return nil, nil, errors.New("the image of a row names a column that is not base64")
			}
			name = string(raw)
		}
		v, err := decodeValue(part)
		if err != nil {
			return nil, nil, fmt.Errorf("the image of column %q is %w", name, err)
		}
		byName[name] = v
	}
	columns = slices.Sorted(maps.Keys(byName))
	for _, name := range columns {
		values = append(values, byName[name])
	}
	return columns, values, nil
}

func decodeValue(part string) (any, error) {
	if part == "" {
		return nil, errors.New("empty")
	}
	switch body := part[1:]; part[0] {
	case 'n':
		return nil, nil
	case 'i':
		return number(strconv.ParseInt(body, 10, 64))
	case 'u':
		return number(strconv.ParseUint(body, 10, 64))
	case 'f':
		return number(strconv.ParseFloat(body, 64))
	case 'x':
		bits, err := number(strconv.ParseUint(body, 16, 64))
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(bits), nil
	case 's':
		return body, nil
	case 't', 'b':
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, errors.New("not base64")
		}
		if part[0] == 't' {
			return string(raw), nil
		}
		return raw, nil
	default:
		return nil, fmt.Errorf("of the unknown type %q", part[0])
	}
}

// number hides the text of a parse error, which quotes the value.
func number[T any](v T, err error) (T, error) {
	if err != nil {
		return v, errors.New("not a number")
	}
	return v, nil
}
