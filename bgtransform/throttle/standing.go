package throttle

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// standing is what one signal asks for, by its readings, their age, and for how
// long they have been lower.
type standing struct {
	signal Signal

	shown Reading   // the level that holds, and why
	high  time.Time // when a reading was last as high as that
	taken time.Time // when the newest reading was; zero: there is none
	now   Level     // of the newest reading

	since  time.Time // when it was first looked for
	looked bool      // once at least, whatever came of it
	failed string    // why the newest look has found nothing; empty: it has
}

// take notes a reading of the given time.
func (s *standing) take(r Reading, at time.Time) {
	r.Level = min(max(r.Level, Normal), Critical)
	if r.Level > Normal {
		r.Reason = cmp.Or(oneLine(r.Reason), s.signal.what()+" asks for it")
	}
	s.looked, s.failed, s.taken, s.now = true, "", at, r.Level
	if r.Level >= s.shown.Level || at.Sub(s.high) >= s.signal.Settle {
		s.shown, s.high = r, at
	}
}

// miss notes that a look has found nothing, and why.
func (s *standing) miss(why string) { s.looked, s.failed = true, why }

// known reports whether a reading holds at now, or is about to be had.
func (s *standing) known(now time.Time) bool {
	if s.taken.IsZero() {
		return !s.looked
	}
	return now.Sub(s.taken) <= s.signal.Stale
}

// pressure returns what the signal asks for at now.
func (s *standing) pressure(now time.Time) Pressure {
	p := Pressure{Level: s.shown.Level, Reason: s.shown.Reason}
	switch {
	case !s.known(now):
		p = Pressure{Level: s.signal.Unknown, Reason: s.unknown(now)}
	case s.now < s.shown.Level:
		p.Reason = fmt.Sprintf("%s, lower for less than %s so far", p.Reason, span(s.signal.Settle))
	}
	if p.Level == Normal {
		return Pressure{}
	}
	return p
}

// unknown says for how long nothing is known, and why.
func (s *standing) unknown(now time.Time) string {
	since := s.taken
	if since.IsZero() {
		since = s.since
	}
	text := fmt.Sprintf("%s is not known since %s", s.signal.what(), span(now.Sub(since)))
	if s.failed != "" {
		text += ": " + s.failed
	}
	return text
}

// oneLine returns text as a line that is not too long for a status.
func oneLine(text string) string {
	const most = 150
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
