// Package scalar makes text of one value that a database has stored, and the
// value of the text again, without losing a bit: the parts of a key, and the
// columns in the image of a row.
package scalar

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Append appends the text of a value: nil, an int64, uint64, float64, string or
// []byte, as dialect.Load returns them. The text is plain (see [Plain]), so
// that no database's character set or quoting can touch it. Equal values, to
// the bit, have equal texts, and others have others:
//
//	n  i42  u18446744073709551615  f0.1  x7ff8000000000001  sHello  tw6U=  bAAE=
func Append(text []byte, v any) ([]byte, error) {
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
		if Plain(v) {
			return append(append(text, 's'), v...), nil
		}
		return base64.StdEncoding.AppendEncode(append(text, 't'), []byte(v)), nil
	case []byte:
		return base64.StdEncoding.AppendEncode(append(text, 'b'), v), nil
	default:
		return nil, fmt.Errorf("a value of type %T is not supported; want an integer, a float, a text, a blob or NULL", v)
	}
}

// Plain reports whether a text stands for itself in a JSON string, in ASCII.
func Plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Parse returns the value that Append made text of. Its errors do not quote it.
func Parse(text string) (any, error) {
	if text == "" {
		return nil, errors.New("empty")
	}
	switch body := text[1:]; text[0] {
	case 'n':
		return nil, nil
	case 'i':
		n, err := strconv.ParseInt(body, 10, 64)
		return known(n, err, "not an integer")
	case 'u':
		n, err := strconv.ParseUint(body, 10, 64)
		return known(n, err, "not an integer")
	case 'f':
		f, err := strconv.ParseFloat(body, 64)
		return known(f, err, "not a number")
	case 'x':
		bits, err := strconv.ParseUint(body, 16, 64)
		return known(math.Float64frombits(bits), err, "not a number")
	case 's':
		return body, nil
	case 't':
		raw, err := base64.StdEncoding.DecodeString(body)
		return known(string(raw), err, "not base64")
	case 'b':
		raw, err := base64.StdEncoding.DecodeString(body)
		return known(raw, err, "not base64")
	default:
		return nil, fmt.Errorf("unknown type tag %q", text[0])
	}
}

// known returns v, or, in place of an error that quotes the value, what is wrong.
func known(v any, err error, wrong string) (any, error) {
	if err != nil {
		return nil, errors.New(wrong)
	}
	return v, nil
}
