package window

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// maxText and maxParts bound what Parse does for a text from outside.
	maxText  = 1 << 10
	maxParts = 32

	want = `want "<cron> for <duration> in <zone>", such as "0 22 * * * for 8h in Europe/Berlin"`
)

// Parse returns the window that text describes; the package documentation has
// the grammar. The error quotes the part that is wrong, says why, and what would
// be valid.
func Parse(text string) (Window, error) {
	if len(text) > maxText {
		return Window{}, fmt.Errorf("window: text of %d bytes is longer than %d", len(text), maxText)
	}
	parts := strings.Split(text, ";")
	if len(parts) > maxParts {
		return Window{}, fmt.Errorf("window: %d parts are more than %d", len(parts), maxParts)
	}
	w, open := Never(), false
	for i, part := range parts {
		part = strings.TrimSpace(part)
		parsed, err := parsePart(part)
		if err != nil {
			return Window{}, fmt.Errorf("window: %s: %w; %s", quotePart(i, len(parts), part), err, want)
		}
		open = open || !parsed.limited
		w.intervals = append(w.intervals, parsed.intervals...)
	}
	if open {
		return Always(), nil
	}
	if n := len(w.String()); n > maxText {
		return Window{}, fmt.Errorf("window: text of %d bytes, written out in full, is longer than %d", n, maxText)
	}
	return w, nil
}

// MustParse is like [Parse] but panics if text is not valid. It is for literals
// in code.
func MustParse(text string) Window {
	w, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return w
}

// quotePart names part i of n in an error.
func quotePart(i, n int, part string) string {
	if n == 1 {
		return fmt.Sprintf("%q", part)
	}
	return fmt.Sprintf("part %d %q", i+1, part)
}

// parsePart parses what stands between two semicolons. New kinds of parts begin
// with a keyword of their own.
func parsePart(text string) (Window, error) {
	switch {
	case text == "":
		return Window{}, errors.New(`is empty; write "always" or "never" to say so`)
	case strings.EqualFold(text, "always"):
		return Always(), nil
	case strings.EqualFold(text, "never"):
		return Never(), nil
	}
	v, err := parseInterval(strings.Fields(text))
	if err != nil {
		return Window{}, err
	}
	return Window{limited: true, intervals: []interval{v}}, nil
}

// parseInterval parses the words of `<cron> for <duration> [in <zone>]`.
func parseInterval(words []string) (interval, error) {
	expr, rest := cut(words, "for")
	if rest == nil {
		return interval{}, errors.New(`"for <duration>" is missing`)
	}
	length, place := cut(rest, "in")
	if len(length) == 0 {
		return interval{}, errors.New(`the duration after "for" is missing`)
	}
	v := interval{text: strings.Join(expr, " ")}
	var err error
	if v.starts, err = parseCron(expr); err != nil {
		return interval{}, err
	}
	if v.length, err = parseLength(strings.Join(length, " ")); err != nil {
		return interval{}, err
	}
	if v.zone, err = parseZone(place); err != nil {
		return interval{}, err
	}
	v.endless = v.isEndless()
	return v, nil
}

// cut splits words around the first that is keyword, in any case. Without one,
// after is nil.
func cut(words []string, keyword string) (before, after []string) {
	for i, word := range words {
		if strings.EqualFold(word, keyword) {
			return words[:i], words[i+1:]
		}
	}
	return words, nil
}

// parseZone loads the zone that words name; without "in" they are nil.
func parseZone(words []string) (*time.Location, error) {
	if words == nil {
		return time.UTC, nil
	}
	name := strings.Join(words, " ")
	switch {
	case name == "":
		return nil, errors.New(`the zone after "in" is missing`)
	case strings.EqualFold(name, "local"):
		return nil, fmt.Errorf("zone %q would differ from machine to machine; name the zone, such as Europe/Berlin", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		// The error is left out: it repeats the name, or shows a path of this machine.
		return nil, fmt.Errorf("zone %q is unknown; name an IANA zone, and import time/tzdata if no zone files are installed", name)
	}
	return zone, nil
}

// parseCron parses the words of a cron expression, whose fields have been checked
// one by one for errors which say more than the parser's, and to keep from it
// what it panics at or silently accepts.
func parseCron(words []string) (starts *cron.SpecSchedule, err error) {
	if err := checkCron(words); err != nil {
		return nil, err
	}
	text := strings.Join(words, " ")
	defer func() {
		if r := recover(); r != nil {
			starts, err = nil, fmt.Errorf("cron expression %q: %v", text, r)
		}
	}()
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("cron expression %q: %w", text, err)
	}
	starts, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("cron expression %q has no times of day", text)
	}
	starts.Location = time.UTC // of civil times: the parser's is the machine's zone
	if (&interval{starts: starts}).next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, fmt.Errorf("cron expression %q matches no date in any year", text)
	}
	return starts, nil
}
