// Package image makes text of what some columns of a row hold, and the values of
// the text again: what the journal keeps of a row before and after it was
// changed.
package image

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform/internal/scalar"
)

// Encode returns the values of columns as a JSON object of plain text, whatever
// they hold.
//
//	{"length":"i200","note":"n","title":"sHello","blob":"bAAE="}
func Encode(columns []string, values []any) (string, error) {
	text := []byte{'{'}
	for i, name := range columns {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(appendName(text, name), ':', '"')
		var err error
		if text, err = scalar.Append(text, values[i]); err != nil {
			return "", fmt.Errorf("column %q cannot be kept: %w", name, err)
		}
		text = append(text, '"')
	}
	return string(append(text, '}')), nil
}

// appendName appends a column's name. One that is not plain is marked by a
// character that no plain name begins with.
func appendName(text []byte, name string) []byte {
	text = append(text, '"')
	if scalar.Plain(name) && (name == "" || name[0] != '=') {
		text = append(text, name...)
	} else {
		text = append(text, '=')
		text = base64.StdEncoding.AppendEncode(text, []byte(name))
	}
	return append(text, '"')
}

// Decode returns the columns, in alphabetical order, and the values that
// Encode made text of. Its errors quote no value.
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
		if byName[name], err = scalar.Parse(part); err != nil {
			return nil, nil, fmt.Errorf("the image of column %q is %w", name, err)
		}
	}
	columns = slices.Sorted(maps.Keys(byName))
	for _, name := range columns {
		values = append(values, byName[name])
	}
	return columns, values, nil
}
