package cobracli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// page is text for people, in lines with a name each.
type page struct{ strings.Builder }

// line writes a line. Texts among its arguments are made plain.
func (p *page) line(format string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = plain(text)
		}
	}
	_, _ = fmt.Fprintf(p, format+"\n", args...)
}

// field writes a line with a name, unless it has no value.
func (p *page) field(name, value string) {
	if value != "" {
		p.line("  %-10s  %s", name, value)
	}
}

// because adds a reason to a text, if there is one.
func because(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

// firstLine returns a text up to its first line's end.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// thousands writes a number with commas: 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// count writes a number of things: "1 row", "5 rows".
func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// clock writes a time as the clock on the wall shows it; empty for none.
func (c config) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(c.now().Location()).Format(time.DateTime)
}

// ago writes how long ago something was; empty for the zero time.
func (c config) ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if d := c.now().Sub(t); d >= time.Second {
		return short(d) + " ago"
	}
	return "just now"
}

// in writes how long it is until something; empty for the zero time.
func (c config) in(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if d := t.Sub(c.now()); d >= time.Second {
		return "in " + short(d)
	}
	return "now"
}

// short writes a duration as exactly as it matters: 45s, 12m, 3h12m, 5 days.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
