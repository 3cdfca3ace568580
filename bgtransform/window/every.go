package window

import (
	"errors"
	"fmt"
	"time"
)

// maxPeriod is how long the period of "every" may be: a day. Whatever is rarer
// belongs on the wall clock.
const maxPeriod = day

// every is a part that opens again and again, past the wall clock: at each multiple
// of period since the beginning of the year 1 in UTC, so that all instances agree.
type every struct {
	period, length time.Duration
}

// parseEvery parses the words that follow the word every.
func parseEvery(words []string) (part, error) {
	period, length := cut(words, "for")
	switch {
	case len(period) == 0:
		return nil, errors.New(`the duration after "every" is missing`)
	case len(length) == 0:
		return nil, errors.New(`"for <duration>" is missing`)
	}
	if _, zone := cut(length, "in"); zone != nil {
		return nil, errors.New(`"every" does not follow the wall clock of a zone; leave "in" and the zone out`)
	}
	var e every
	var err error
	if e.period, err = parseLength(join(period)); err != nil {
		return nil, err
	}
	if e.length, err = parseLength(join(length)); err != nil {
		return nil, err
	}
	switch {
	case e.period < time.Second || e.period > maxPeriod:
		return nil, fmt.Errorf("period %q must be from 1s to 1d", join(period))
	case e.length >= e.period:
		return nil, fmt.Errorf("duration %q must be less than the period %q", join(length), join(period))
	}
	return e, nil
}

func (e every) contains(t time.Time) bool { return t.Sub(t.Truncate(e.period)) < e.length }

func (e every) closes(t time.Time) (at time.Time, ok bool) {
	if !e.contains(t) {
		return t, true
	}
	return t.Truncate(e.period).Add(e.length).UTC(), true
}

func (e every) opens(t time.Time) (at time.Time, ok bool) {
	return t.Truncate(e.period).Add(e.period).UTC(), true
}

func (e every) endless() bool { return false }

// String returns the text form of the part.
func (e every) String() string {
	return "every " + formatLength(e.period) + " for " + formatLength(e.length)
}
