package window

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	dateForm    = "2006-01-02"
	instantForm = "2006-01-02T15:04"
)

// parseException parses the words that follow the word except.
func parseException(words []string) (e exception, err error) {
	words, place := cut(words, "in")
	if place != nil {
		if e.zone, err = parseZone(place); err != nil {
			return exception{}, err
		}
	}
	if len(words) == 0 {
		return exception{}, errors.New(`what follows "except" is missing`)
	}
	if _, length := cut(words, "for"); length != nil {
		v, err := parseSpan(words)
		e.spans = []spans{&v}
		return e, err
	}
	for item := range strings.SplitSeq(join(words), ",") {
		s, err := parseDays(strings.TrimSpace(item))
		if err != nil {
			return exception{}, err
		}
		e.spans = append(e.spans, s)
	}
	return e, nil
}

// locate gives an exception without a zone that of the intervals.
func (e *exception) locate(zones []*time.Location) error {
	switch {
	case e.zone != nil:
	case len(zones) == 0:
		e.zone = time.UTC
	case len(zones) == 1:
		e.zone = zones[0]
	default:
		e.zone = zones[0] // for the text
		return fmt.Errorf("the intervals are in more than one zone (%s, %s); say in which the exception is, such as %q", zones[0], zones[1], e)
	}
	return nil
}

// parseDays parses one item of the list of an exception. The words are told apart
// by their first letters, so that an error is about what was meant.
func parseDays(text string) (spans, error) {
	if text == "" {
		return nil, errors.New("an item between commas is empty")
	}
	first, last, ranged := strings.Cut(text, "..")
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	if ranged && (first == "" || last == "") {
		return nil, fmt.Errorf("range %q lacks an end", text)
	}
	if !ranged {
		last = first
	}
	words := strings.Fields(text)
	switch {
	case text[0] >= '0' && text[0] <= '9' && strings.Count(first, "-") == 1:
		return parseYearly(text, first, last)
	case text[0] >= '0' && text[0] <= '9':
		return parseDates(text, first, last, ranged)
	case !ranged && len(words) > 1:
		return parseMonthly(words)
	default:
		return parseWeekly(first, last)
	}
}

// parseDates parses dates with a year, whose last counts as a whole, or instants of
// the wall clock.
func parseDates(text, first, last string, ranged bool) (spans, error) {
	form := dateForm
	if strings.ContainsAny(first, "Tt") {
		form = instantForm
	}
	from, err := parseCivil(form, first)
	if err != nil {
		return nil, err
	}
	to, err := parseCivil(form, last)
	if err != nil {
		return nil, err
	}
	if form == dateForm {
		to = to.Add(day)
	} else if !ranged {
		return nil, fmt.Errorf("%q is no length of time; write until when, such as %s..%s", text, text, to.Add(12*time.Hour).Format(instantForm))
	}
	if !from.Before(to) {
		return nil, fmt.Errorf("range %q ends before it begins", text)
	}
	d := dates{text: first, from: from, to: to}
	if ranged {
		d.text = strings.ToUpper(first + ".." + last)
	}
	return d, nil
}

// parseCivil parses a date or an instant. Both ends of a range have the same form.
func parseCivil(form, text string) (time.Time, error) {
	t, err := time.Parse(form, strings.ToUpper(text))
	switch {
	case err == nil && len(text) == len(form):
		return t, nil
	case form == dateForm:
		return time.Time{}, fmt.Errorf("%q is not a date such as 2026-12-24; if one end of a range has a time, the other needs one too", text)
	default:
		return time.Time{}, fmt.Errorf("%q is not an instant such as 2026-12-24T18:00; if one end of a range has a time, the other needs one too", text)
	}
}

// parseYearly parses dates without a year.
func parseYearly(text, first, last string) (spans, error) {
	y := yearly{text: first}
	var err error
	if y.first, err = parseMonthDay(first); err != nil {
		return nil, err
	}
	if y.last, err = parseMonthDay(last); err != nil {
		return nil, err
	}
	if strings.Contains(text, "..") {
		y.text = first + ".." + last
	}
	return y, nil
}

// parseMonthDay parses a date without a year.
func parseMonthDay(text string) (monthDay, error) {
	t, err := time.Parse(dateForm, "2000-"+text) // a leap year
	if err != nil || len(text) != len("01-02") {
		return monthDay{}, fmt.Errorf("%q is not a date of each year: write month and day, such as 12-24", text)
	}
	return monthDay{t.Month(), t.Day()}, nil
}

// parseWeekly parses a weekday, or a range of them, which may go round the week.
func parseWeekly(first, last string) (spans, error) {
	from, err := parseWeekday(first)
	if err != nil {
		return nil, err
	}
	to, err := parseWeekday(last)
	if err != nil {
		return nil, err
	}
	w := weekly{text: weekdayName(from), days: 1 << from}
	if first != last {
		w.text += ".." + weekdayName(to)
	}
	for d := from; d != to; {
		d = (d + 1) % 7
		w.days |= 1 << d
	}
	return w, nil
}

func parseWeekday(text string) (time.Weekday, error) {
	names := fields()[4].names
	i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, text) })
	if i < 0 {
		return 0, fmt.Errorf("%q is neither a date nor one of the weekdays %s", text, strings.Join(names, " "))
	}
	return time.Weekday(i), nil
}

// maxMonthDays is how many days every month has.
const maxMonthDays = 28

// parseMonthly parses `last 2 days of month`, `first day of month`, `second tue of
// month` and the like.
func parseMonthly(words []string) (spans, error) {
	text := join(words)
	body, ok := strings.CutSuffix(strings.ToLower(text), " of month")
	words = strings.Fields(body)
	if !ok || len(words) < 2 || len(words) > 3 {
		return nil, fmt.Errorf(`%q is not such as "last 2 days of month", "first day of month" or "second tue of month"`, text)
	}
	ordinals := ordinals()
	n := 1 + slices.Index(ordinals[:], words[0])
	if words[0] == "last" {
		n = -1
	} else if n == 0 {
		return nil, fmt.Errorf("%q is not one of first, second, third, fourth, last", words[0])
	}
	switch unit := words[len(words)-1]; {
	case len(words) == 2 && unit != "day" && unit != "days":
		weekday, err := parseWeekday(unit)
		return monthly{n: n, nth: true, weekday: weekday}, err
	case n > 1 || unit != "day" && unit != "days":
		return nil, fmt.Errorf(`%q is not such as "last 2 days of month", "first day of month" or "second tue of month"`, text)
	case len(words) == 2:
		return monthly{n: n}, nil
	}
	count, ok := number(words[1])
	if !ok || count < 1 || count > maxMonthDays {
		return nil, fmt.Errorf("%q is not a number of days from 1 to %d, which every month has", words[1], maxMonthDays)
	}
	return monthly{n: n * count}, nil
}
