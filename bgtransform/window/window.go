package window

import "time"

const (
	// horizon is how far Closes looks ahead. A batch takes seconds and an operator
	// plans in weeks: beyond a year the answer is "not soon" for both.
	horizon = 366 * 24 * time.Hour

	// maxRounds bounds how often Closes goes on from one part of a union to
	// another; it is reached by unions whose parts take turns within a day.
	maxRounds = 1024
)

// Window is a set of intervals on the wall clock in which work may run. The zero
// value is always open. A Window is immutable and safe for concurrent use; make
// one with [Parse], [Always] or [Never].
type Window struct {
	// limited is false for a window that is always open, so that the zero value is.
	limited   bool
	intervals []interval

	// given tells an explicit Always from the zero value.
	given bool
}

// Always returns the window that is always open. It behaves as the zero value
// does, but for [Window.IsZero].
func Always() Window { return Window{given: true} }

// Never returns the window that is never open.
func Never() Window { return Window{limited: true} }

// IsZero reports whether w is the zero value: no window was given. An explicit
// "always" is not zero, so that it can override another window.
func (w Window) IsZero() bool { return !w.limited && !w.given }

// IsAlways reports whether w is open at every instant: it is the zero value, has
// the part "always", or an interval that starts again each day before it ends.
func (w Window) IsAlways() bool {
	if !w.limited {
		return true
	}
	for _, v := range w.intervals {
		if v.endless {
			return true
		}
	}
	return false
}

// Contains reports whether w is open at t.
func (w Window) Contains(t time.Time) bool {
	if !w.limited {
		return true
	}
	for i := range w.intervals {
		if w.intervals[i].contains(t) {
			return true
		}
	}
	return false
}

// Closes returns the instant at which w, open at t, closes. Intervals that
// overlap or touch count as one: w is open from t up to, not including, at, and
// closed at at. The result is in the zone of the interval that ends there.
//
// The result ok is false if w is not open at t or does not close. A window
// counts as one that does not close if it stays open for a year, or if thousands
// of short intervals join without a pause.
func (w Window) Closes(t time.Time) (at time.Time, ok bool) {
	if w.IsAlways() {
		return time.Time{}, false
	}
	at = t
	for range maxRounds {
		end, never := w.extend(at)
		switch {
		case never, end.Sub(t) > horizon:
			return time.Time{}, false
		case !end.After(at):
			return at, at.After(t)
		}
		at = end
	}
	return time.Time{}, false
}

// extend returns the latest end of the intervals that are open at t, or t itself
// if none is; never reports that one of them does not close.
func (w Window) extend(t time.Time) (end time.Time, never bool) {
	end = t
	for i := range w.intervals {
		at, closes := w.intervals[i].closes(t)
		if !closes {
			return time.Time{}, true
		}
		if at.After(end) {
			end = at
		}
	}
	return end, false
}

// Next returns the first instant, t or later, at which w is open: t itself if w
// is open at t, else the next opening, in the zone of the interval that opens.
// The result ok is false if w does not open again.
func (w Window) Next(t time.Time) (at time.Time, ok bool) {
	if w.Contains(t) {
		return t, true
	}
	for i := range w.intervals {
		next, opens := w.intervals[i].opens(t)
		if opens && (!ok || next.Before(at)) {
			at, ok = next, true
		}
	}
	return at, ok
}
