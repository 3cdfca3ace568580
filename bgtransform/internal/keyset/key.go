// Package keyset walks a table by its primary key: which range of keys comes
// next, the SQL that selects it, and the text form of a key (a cursor).
package keyset

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform/internal/scalar"
)

// Key is a primary key: one value for each of its columns, as the database
// returned it. Values are int64, float64, string or []byte, and uint64 where an
// int64 does not reach.
type Key []any

// ErrNull is returned for a key of which a part is NULL: such a row cannot be
// reached in order.
var ErrNull = errors.New("a part of the primary key is NULL; every row needs a key to be walked")

// Encode returns the key as text, a JSON list of plain texts. Equal keys have
// equal texts, and others have others.
func (k Key) Encode() (string, error) {
	text := []byte{'['}
	for i, v := range k {
		if v == nil {
			return "", ErrNull
		}
		if i > 0 {
			text = append(text, ',')
		}
		var err error
		if text, err = scalar.Append(append(text, '"'), v); err != nil {
			return "", fmt.Errorf("key part %d: %w", i+1, err)
		}
		text = append(text, '"')
	}
	return string(append(text, ']')), nil
}

// Decode returns the key that Encode made text of. Its errors do not quote it.
func Decode(text string) (Key, error) {
	var parts []string
	if err := json.Unmarshal([]byte(text), &parts); err != nil {
		return nil, errors.New("cursor is not a list of key parts")
	}
	if len(parts) == 0 {
		return nil, errors.New("cursor has no key parts")
	}
	key := make(Key, len(parts))
	for i, part := range parts {
		v, err := scalar.Parse(part)
		if err == nil && v == nil {
			err = errors.New("NULL")
		}
		if err != nil {
			return nil, fmt.Errorf("cursor part %d: %w", i+1, err)
		}
		key[i] = v
	}
	return key, nil
}
