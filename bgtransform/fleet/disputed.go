package fleet

import (
	"slices"
	"time"
)

// Disputed returns a member in [Before] that was there after a walk began which was since
// ago, and of which nobody can tell what it writes: it came to a pool whose reads had
// come to [New]. It may be an old version, whose values stand in the old column, or one
// without the old column that does not say so, whose values stand in the new one. To
// transform all rows again is right after the first, and destroys what the second wrote.
func (p Pool) Disputed(move string, since time.Duration) (Sighting, bool) {
	for _, s := range p.Sorted() {
		if s.Stage(move) == Before && (s.Live || s.Gone <= since) && p.hadCome(move, s) {
			return s, true
		}
	}
	return Sighting{}, false
}

// hadCome reports whether reads had come to New where a member was: in one that was there
// with it or, where it was alone, in the last one before it.
func (p Pool) hadCome(move string, to Sighting) bool {
	var last *Sighting
	alone := true
	for _, s := range p {
		switch {
		case s.Stage(move) == Before:
		case s.Gone >= to.Joined:
			if last == nil || s.Gone < last.Gone {
				last = &s
			}
		case s.Joined > to.Gone:
			alone = false
			if s.hadCome(move) {
				return true
			}
		}
	}
	return alone && last != nil && last.hadCome(move)
}

// hadCome reports whether the member's reads had come to New, before they left it for
// one in Before.
func (m Member) hadCome(move string) bool {
	return m.Fled[move] == New || slices.Contains(m.stages(move), New)
}
