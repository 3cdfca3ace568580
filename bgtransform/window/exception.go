package window

import "time"

// exception is a list of spans of the wall clock of a zone in which a window is
// closed. In doubt it is in effect: from the first time that the clock shows the
// beginning of a span until the last time that it shows the end.
type exception struct {
	zone  *time.Location
	spans []spans
}

// spans is a set of half-open spans of civil time.
type spans interface {
	// until returns the latest end of the spans that begin at the civil time c or
	// before and end after from, which is not after c; ok is false if there is none.
	until(from, c time.Time) (end time.Time, ok bool)

	// after returns the first beginning of a span after c; ok is false if there is none.
	after(c time.Time) (start time.Time, ok bool)

	// span returns the text form of the spans.
	span() string
}

// ends reports whether the exception covers t, and an instant up to which it still
// does. It may cover that instant too, by a span that follows.
func (e *exception) ends(t time.Time) (at time.Time, ok bool) {
	end, ok := e.until(clockBack(t, e.zone), clock(t, e.zone))
	if !ok {
		return time.Time{}, false
	}
	return lastInstant(end, e.zone), true
}

// until is the until of all spans together.
func (e *exception) until(from, c time.Time) (end time.Time, ok bool) {
	for _, s := range e.spans {
		if until, covers := s.until(from, c); covers && (!ok || until.After(end)) {
			end, ok = until, true
		}
	}
	return end, ok
}

// begins returns the first instant after t, which it does not cover, at which the
// exception begins.
func (e *exception) begins(t time.Time) (at time.Time, ok bool) {
	from := clock(t, e.zone)
	for range maxSkipped {
		start, some := e.after(from)
		if !some {
			return time.Time{}, false
		}
		at = instant(start, e.zone)
		if _, covers := e.ends(at); covers {
			return at, true
		}
		// The clock jumped over the whole span, and what else began by now.
		from = clock(at, e.zone)
	}
	return time.Time{}, false
}

// after is the after of all spans together.
func (e *exception) after(c time.Time) (start time.Time, ok bool) {
	for _, s := range e.spans {
		if next, some := s.after(c); some && (!ok || next.Before(start)) {
			start, ok = next, true
		}
	}
	return start, ok
}

// until makes an interval one of the spans of an exception.
func (v *interval) until(from, c time.Time) (end time.Time, ok bool) {
	start, ok := v.latest(from, c)
	return start.Add(v.length), ok
}

func (v *interval) after(c time.Time) (start time.Time, ok bool) {
	start = v.next(c)
	return start, !start.IsZero()
}
