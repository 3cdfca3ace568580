package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Pool is what was seen of a pool at one moment: the answer of a registry. It judges, and
// does nothing.
type Pool []Sighting

// Of returns the members of one app.
func (p Pool) Of(app string) Pool {
	var ours Pool
	for _, s := range p {
		if s.App == app {
			ours = append(ours, s)
		}
	}
	return ours
}

// Aged returns the pool d later, if nothing was heard of it since.
func (p Pool) Aged(d time.Duration) Pool {
	aged := make(Pool, len(p))
	for i, s := range p {
		aged[i] = s.aged(d)
	}
	return aged
}

// Moves returns the names of the moves that somebody knows who is live, or knew who wrote
// the new column alone, in their order.
func (p Pool) Moves() []string {
	known := map[string]bool{}
	for _, s := range p {
		for move, st := range s.Stages {
			known[move] = known[move] || st != Before && (s.Live || st == After)
		}
	}
	maps.DeleteFunc(known, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(known))
}

// Sorted returns the members in order: those that are live by name, then those that are
// gone, the last first.
func (p Pool) Sorted() []Sighting { return slices.SortedFunc(slices.Values(p), later) }

// Live returns the members that are there, by name.
func (p Pool) Live() []Sighting {
	live := slices.DeleteFunc(slices.Clone(p), func(s Sighting) bool { return !s.Live })
	slices.SortFunc(live, later)
	return live
}

// Age returns for how long somebody has been there, gaps shorter than gap aside.
func (p Pool) Age(gap time.Duration) time.Duration {
	var age time.Duration
	for _, s := range p.Sorted() {
		if s.Gone > age+gap {
			break
		}
		age = max(age, s.Joined)
	}
	return age
}

// Last returns the member that was there last of those that were in one of some stages
// of a move. Of several that are live it is the first by name.
func (p Pool) Last(move string, stages ...Stage) (Sighting, bool) {
	var last Sighting
	found := false
	for _, s := range p {
		in := slices.ContainsFunc(s.stages(move), func(st Stage) bool { return slices.Contains(stages, st) })
		if in && (!found || later(s, last) < 0) {
			last, found = s, true
		}
	}
	return last, found
}

// live returns the members that are there and, by a condition, in one of their stages of
// a move, the first by name first.
func (p Pool) live(move string, in func(Stage) bool) []Sighting {
	return slices.DeleteFunc(p.Live(), func(s Sighting) bool { return !slices.ContainsFunc(s.stages(move), in) })
}

// named lists members for people: "web-3 (version 1.4), last seen 3 s ago, and 2 more".
func named(some []Sighting) string {
	first := some[0]
	text := fmt.Sprintf("%s, last seen %s ago", first, brief(first.Seen))
	if n := len(some) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

func instances(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", n)
}

// brief spells a duration as people do: "3 s", "2m5s".
func brief(d time.Duration) string {
	if d < time.Minute {
		return strings.Replace(d.Round(time.Second).String(), "s", " s", 1)
	}
	return d.Round(time.Second).String()
}
