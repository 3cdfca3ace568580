// Package keyset walks a table by its primary key: which range of keys comes
// next, the SQL that selects it, and the text form of a key (a cursor).
package keyset

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Key is a primary key: one value for each of its columns, as the database
// returned it. Values are int64, float64, string or []byte, and uint64 where an
// int64 does not reach.
type Key []any

// ErrNull is returned for a key of which a part is NULL: such a row cannot be
// reached in order.
var ErrNull = errors.New("a part of the primary key is NULL; every row needs a key to be walked")

// Encode returns the key as text. Equal keys have equal texts.
func (k Key) Encode() (string, error) {
	parts := make([]string, len(k))
	for i, v := range k {
		switch v := v.(type) {
		case int64:
			parts[i] = "i" + strconv.FormatInt(v, 10)
		case uint64:
			parts[i] = "u" + strconv.FormatUint(v, 10)
		case float64:
			parts[i] = "f" + strconv.FormatFloat(v, 'g', -1, 64)
		case string:
			parts[i] = "s" + v
			if strings.ToValidUTF8(v, "") != v {
				parts[i] = "t" + base64.StdEncoding.EncodeToString([]byte(v))
			}
		case []byte:
			parts[i] = "b" + base64.StdEncoding.EncodeToString(v)
		case nil:
			return "", ErrNull
		default:
			return "", fmt.Errorf("a key of type %T is not supported; want an integer, a text, a blob or a float", v)
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	return string(text), nil
}

// Decode returns the key that Encode made text of.
func Decode(text string) (Key, error) {
	var parts []string
	if err := json.Unmarshal([]byte(text), &parts); err != nil {
		return nil, fmt.Errorf("cursor is not a list of key parts: %w", err)
	}
	if len(parts) == 0 {
		return nil, errors.New("cursor has no key parts")
	}
	key := make(Key, len(parts))
	for i, p := range parts {
		v, err := decodePart(p)
		if err != nil {
			return nil, fmt.Errorf("cursor part %d: %w", i+1, err)
		}
		key[i] = v
	}
	return key, nil
}

func decodePart(p string) (any, error) {
	if p == "" {
		return nil, errors.New("empty")
	}
	body := p[1:]
	switch p[0] {
	case 'i':
		n, err := strconv.ParseInt(body, 10, 64)
		if err != nil {
			return nil, errors.New("not an integer")
		}
		return n, nil
	case 'u':
		n, err := strconv.ParseUint(body, 10, 64)
		if err != nil {
			return nil, errors.New("not an integer")
		}
		return n, nil
	case 'f':
		f, err := strconv.ParseFloat(body, 64)
		if err != nil {
			return nil, errors.New("not a number")
		}
		return f, nil
	case 's':
		return body, nil
	case 't', 'b':
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, errors.New("not base64")
		}
		if p[0] == 't' {
			return string(raw), nil
		}
		return raw, nil
	default:
		return nil, fmt.Errorf("unknown type tag %q", p[0])
	}
}
