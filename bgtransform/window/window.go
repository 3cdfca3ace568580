package window

import "time"

const (
	// horizon is how far Closes looks ahead. A batch takes seconds and an operator
	// plans in weeks: beyond a year the answer is "not soon" for both.
	horizon = 366 * 24 * time.Hour

	// maxRounds bounds how often Closes goes on from one part of a union to
	// another; it is reached by unions whose parts take turns within a day.
	maxRounds = 1024

	// maxLooks bounds how many parts and exceptions Next looks at; each look costs
	// less than a microsecond. It is reached by exceptions that leave nothing: one
	// that swallows a window of one interval a day is followed for some 20 years.
	maxLooks = 1 << 14
)

// Window is a set of parts, most of them intervals on the wall clock, in which
// work may run, less its exceptions. The zero value is always open. A Window is
// immutable and safe for concurrent use; make one with [Parse], [Always] or [Never].
type Window struct {
	// limited is false for a window that is always open, but for its exceptions,
	// so that the zero value is.
	limited    bool
	parts      []part
	exceptions []exception

	// given tells an explicit Always from the zero value.
	given bool
}

// part is one of the stretches of time whose union a window is.
type part interface {
	// contains reports whether the part is open at t.
	contains(t time.Time) bool

	// closes returns the instant at which the part, open at t, closes; t itself if
	// it is not open. The result ok is false if it does not close within the horizon.
	closes(t time.Time) (at time.Time, ok bool)

	// opens returns the first instant after t at which the part begins anew.
	opens(t time.Time) (at time.Time, ok bool)

	// endless reports whether the part is open at every instant.
	endless() bool

	// String returns the text form of the part.
	String() string
}

// Always returns the window that is always open. It behaves as the zero value
// does, but for [Window.IsZero].
func Always() Window { return Window{given: true} }

// Never returns the window that is never open.
func Never() Window { return Window{limited: true} }

// IsZero reports whether w is the zero value: no window was given. An explicit
// "always" is not zero, so that it can override another window.
func (w Window) IsZero() bool { return !w.limited && !w.given }

// IsAlways reports whether w is open at every instant: it has no exception, and is
// the zero value, has the part "always", or an interval that starts again each day
// before it ends.
func (w Window) IsAlways() bool { return len(w.exceptions) == 0 && w.endless() }

// endless reports whether w, but for its exceptions, is open at every instant.
func (w Window) endless() bool {
	for _, p := range w.parts {
		if p.endless() {
			return true
		}
	}
	return !w.limited
}

// Contains reports whether w is open at t.
func (w Window) Contains(t time.Time) bool {
	if _, excepted := w.excepted(t); excepted {
		return false
	}
	return w.covers(t)
}

// covers reports whether w, but for its exceptions, is open at t.
func (w Window) covers(t time.Time) bool {
	for _, p := range w.parts {
		if p.contains(t) {
			return true
		}
	}
	return !w.limited
}

// excepted reports whether an exception covers t, and when the one that does so
// for longest ends.
func (w Window) excepted(t time.Time) (end time.Time, ok bool) {
	for i := range w.exceptions {
		if at, covers := w.exceptions[i].ends(t); covers && (!ok || at.After(end)) {
			end, ok = at, true
		}
	}
	return end, ok
}

// Closes returns the instant at which w, open at t, closes. Parts that overlap or
// touch count as one: w is open from t up to, not including, at, and closed at at.
// The result is in the zone of the interval that ends there, or of the exception
// that begins.
//
// The result ok is false if w is not open at t or does not close. A window
// counts as one that does not close if it stays open for a year, or if thousands
// of short intervals join without a pause.
func (w Window) Closes(t time.Time) (at time.Time, ok bool) {
	if len(w.exceptions) == 0 {
		return w.ends(t)
	}
	if !w.Contains(t) {
		return time.Time{}, false
	}
	at, ok = w.ends(t)
	for i := range w.exceptions {
		begins, some := w.exceptions[i].begins(t)
		if some && begins.Sub(t) <= horizon && (!ok || begins.Before(at)) {
			at, ok = begins, true
		}
	}
	return at, ok
}

// ends is Closes but for the exceptions.
func (w Window) ends(t time.Time) (at time.Time, ok bool) {
	if w.endless() {
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

// extend returns the latest end of the parts that are open at t, or t itself if
// none is; never reports that one of them does not close.
func (w Window) extend(t time.Time) (end time.Time, never bool) {
	end = t
	for _, p := range w.parts {
		at, closes := p.closes(t)
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
// is open at t, else the next opening, in the zone of the interval that opens or of
// the exception that ends.
//
// The result ok is false if w does not open again. A window counts as one that
// does not if thousands of its intervals in a row are swallowed by exceptions.
func (w Window) Next(t time.Time) (at time.Time, ok bool) {
	at = t
	for looks := 0; looks < maxLooks; looks += 1 + len(w.parts) + w.spans() {
		if end, excepted := w.excepted(at); excepted {
			at = end
			continue
		}
		if w.covers(at) {
			return at, true
		}
		if at, ok = w.begins(at); !ok {
			return time.Time{}, false
		}
	}
	return time.Time{}, false
}

// begins returns the first instant after t at which a part of w begins anew.
func (w Window) begins(t time.Time) (at time.Time, ok bool) {
	for _, p := range w.parts {
		next, opens := p.opens(t)
		if opens && (!ok || next.Before(at)) {
			at, ok = next, true
		}
	}
	return at, ok
}

// spans returns how many spans the exceptions of w list.
func (w Window) spans() (n int) {
	for i := range w.exceptions {
		n += len(w.exceptions[i].spans)
	}
	return n
}
