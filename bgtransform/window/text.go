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
// open at the same times: "always" for the zero value too, every interval and every
// exception with its zone, and the exceptions last.
func (w Window) String() string {
	if w.limited && len(w.parts) == 0 {
		return "never"
	}
	texts := make([]string, 0, 1+len(w.parts)+len(w.exceptions))
	if !w.limited {
		texts = append(texts, "always")
	}
	for _, p := range w.parts {
		texts = append(texts, p.String())
	}
	for i := range w.exceptions {
		texts = append(texts, w.exceptions[i].String())
	}
	return strings.Join(texts, "; ")
}

// String returns the text form of the interval.
func (v *interval) String() string {
	return v.span() + " in " + v.zone.String()
}

// span returns the text form of the interval but for its zone.
func (v *interval) span() string { return v.text + " for " + formatLength(v.length) }

// String returns the text form of the exception.
func (e *exception) String() string {
	texts := make([]string, len(e.spans))
	for i, s := range e.spans {
		texts[i] = s.span()
	}
	return "except " + strings.Join(texts, ", ") + " in " + e.zone.String()
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
