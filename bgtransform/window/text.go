package window

import (
	"encoding"
	"strings"
)

var (
	_ encoding.TextMarshaler   = Window{}
	_ encoding.TextUnmarshaler = (*Window)(nil)
)

// String returns the text form of w, from which [Parse] makes a window that is
// open at the same times: "always" for the zero value too, and every interval with
// its zone.
func (w Window) String() string {
	switch {
	case !w.limited:
		return "always"
	case len(w.intervals) == 0:
		return "never"
	}
	parts := make([]string, len(w.intervals))
	for i, v := range w.intervals {
		parts[i] = v.text + " for " + formatLength(v.length) + " in " + v.zone.String()
	}
	return strings.Join(parts, "; ")
}

// MarshalText returns the text form of w; it never fails.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText sets w to the window that text describes, as [Parse] does. It
// leaves w alone if it returns an error.
func (w *Window) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*w = parsed
	return nil
}
