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
//
// One that [Pool.Explained] speaks of is none of them.
func (p Pool) Disputed(move string, since time.Duration) (Sighting, bool) {
	return first(p.unplaced(move, since), func(s Sighting) bool { return !p.explained(move, s) })
}

// DisputedNewcomer is [Pool.Disputed] of members that joined after that walk had begun:
// for one in which a human has said of all who were there what they are.
func (p Pool) DisputedNewcomer(move string, since time.Duration) (Sighting, bool) {
	return first(p.unplaced(move, since), func(s Sighting) bool { return s.Joined <= since && !p.explained(move, s) })
}

// Explained returns a member that would be disputed, if it is known of it, and of all
// others like it, that their version has no old column any more: the same version and
// build was seen in [After] too, and never as one that writes both. So it was started with
// another configuration, such as a misspelt name of the move.
func (p Pool) Explained(move string, since time.Duration) (Sighting, bool) {
	some := p.unplaced(move, since)
	if _, found := first(some, func(s Sighting) bool { return !p.explained(move, s) }); found || len(some) == 0 {
		return Sighting{}, false
	}
	return some[0], true
}

// Remembers reports whether the pool's memory reaches back to a moment that was since ago:
// one that was lost and filled again does not.
func (p Pool) Remembers(since time.Duration) bool {
	return slices.ContainsFunc(p, func(s Sighting) bool { return s.Joined > since })
}

func first(some []Sighting, is func(Sighting) bool) (Sighting, bool) {
	i := slices.IndexFunc(some, is)
	if i < 0 {
		return Sighting{}, false
	}
	return some[i], true
}

// unplaced returns the members in Before that came to a pool whose reads had come to New.
func (p Pool) unplaced(move string, since time.Duration) []Sighting {
	return slices.DeleteFunc(p.Sorted(), func(s Sighting) bool {
		return s.Stage(move) != Before || !s.Live && s.Gone > since || !p.hadCome(move, s)
	})
}

// explained reports whether a member in Before is of a version that has no old column, and
// that the others of that name are of, too.
func (p Pool) explained(move string, s Sighting) bool {
	if s.Version == "" && s.Build == "" {
		return false
	}
	contracted := false
	for _, other := range p {
		if other.App != s.App || other.Version != s.Version || other.Build != s.Build {
			continue
		}
		for _, st := range other.stages(move) {
			if st != After && (st != Before || !p.hadCome(move, other)) {
				return false // that name is of more versions than one
			}
			contracted = contracted || st == After
		}
	}
	return contracted
}

// hadCome reports whether reads had come to New where a member was: in one that was there
// with it or, where it was alone, in the last one before it.
func (p Pool) hadCome(move string, to Sighting) bool {
	var last *Sighting
	alone := true
	for _, s := range p {
		switch {
		case s.Stage(move) == Before, s.Stage(move) == After && s.Joined < to.Joined: // who came to it later tells nothing
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
