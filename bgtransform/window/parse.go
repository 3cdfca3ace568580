package window

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// maxText and maxParts bound what Parse does for a text from outside.
	maxText  = 1 << 10
	maxParts = 32

	want = `want "<cron> for <duration> in <zone>", such as "0 22 * * * for 8h in Europe/Berlin"`

	wantExcept = `want "except <days> in <zone>", with days such as 2026-12-24, 2026-12-24..2027-01-02, ` +
		`12-24..01-01, sat..sun, "last 2 days of month" or "<cron> for <duration>"`
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
	var p parser
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if err := p.part(part); err != nil {
			return Window{}, fmt.Errorf("window: %s: %w", quotePart(i, len(parts), part), err)
		}
	}
	w, err := p.window()
	if err != nil {
		return Window{}, fmt.Errorf("window: %w", err)
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

// parser collects the parts of a text.
type parser struct {
	open       bool // a part is always
	some       bool // there is a part that is no exception
	parts      []part
	exceptions []exception
	zones      []*time.Location // of the intervals, each once
}

// part parses what stands between two semicolons. New kinds of parts begin with a
// keyword of their own.
func (p *parser) part(text string) error {
	words := strings.Fields(text)
	if len(words) > 0 && strings.EqualFold(words[0], "except") {
		e, err := parseException(words[1:])
		if err != nil {
			return fmt.Errorf("%w; %s", err, wantExcept)
		}
		p.exceptions = append(p.exceptions, e)
		return nil
	}
	if err := p.stretch(text, words); err != nil {
		return fmt.Errorf("%w; %s", err, want)
	}
	p.some = true
	return nil
}

// stretch parses a part that is no exception.
func (p *parser) stretch(text string, words []string) error {
	switch {
	case text == "":
		return errors.New(`is empty; write "always" or "never" to say so`)
	case strings.EqualFold(text, "always"):
		p.open = true
		return nil
	case strings.EqualFold(text, "never"):
		return nil
	}
	if before, after := cut(words, "except"); after != nil {
		return fmt.Errorf(`an exception is a part of its own; write a semicolon after %q`, join(before))
	}
	if strings.EqualFold(words[0], "every") {
		e, err := parseEvery(words[1:])
		p.parts = append(p.parts, e)
		return err
	}
	v, err := parseInterval(words)
	if err != nil {
		return err
	}
	p.parts = append(p.parts, &v)
	if !slices.ContainsFunc(p.zones, func(z *time.Location) bool { return z.String() == v.zone.String() }) {
		p.zones = append(p.zones, v.zone)
	}
	return nil
}

// window returns what the parts make together.
func (p *parser) window() (Window, error) {
	if !p.some {
		return Window{}, errors.New(`an exception takes away from other parts, and there is none; write "always; except …" to mean all other times`)
	}
	for i := range p.exceptions {
		if err := p.exceptions[i].locate(p.zones); err != nil {
			return Window{}, err
		}
	}
	switch {
	case p.open:
		return Window{given: true, exceptions: p.exceptions}, nil
	case len(p.parts) == 0:
		return Never(), nil
	default:
		return Window{limited: true, parts: p.parts, exceptions: p.exceptions}, nil
	}
}

// parseInterval parses the words of `<cron> for <duration> [in <zone>]`.
func parseInterval(words []string) (interval, error) {
	words, place := cut(words, "in")
	v, err := parseSpan(words)
	if err == nil {
		v.zone, err = parseZone(place)
	}
	return v, err
}

// parseSpan parses the words of `<cron> for <duration>`.
func parseSpan(words []string) (interval, error) {
	expr, length := cut(words, "for")
	switch {
	case length == nil:
		return interval{}, errors.New(`"for <duration>" is missing`)
	case len(length) == 0:
		return interval{}, errors.New(`the duration after "for" is missing`)
	}
	v := interval{text: join(expr)}
	var err error
	if v.starts, err = parseCron(expr); err != nil {
		return interval{}, err
	}
	if v.length, err = parseLength(join(length)); err != nil {
		return interval{}, err
	}
	v.always = v.isEndless()
	return v, nil
}

// join is the text that words come from, with single spaces.
func join(words []string) string { return strings.Join(words, " ") }

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
	name := join(words)
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
	text := join(words)
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
