package fleet

import (
	"fmt"
	"slices"
	"time"
)

// Verdict says whether something may be done now.
type Verdict struct {
	OK  bool
	Why string // why not, for people; empty if it may

	// In is when that may change by itself; zero when nobody knows.
	In time.Duration

	// Conflict says that it does not change by itself: somebody has to do something.
	Conflict bool
}

// Start judges whether the rows of a move may be transformed: every live instance writes
// both columns, and has done so for long enough, and somebody is there to say so.
func (p Pool) Start(move string, r Rules) Verdict {
	if v := p.Settled(move, r); !v.OK {
		return v
	}
	if len(p.Live()) == 0 {
		return Verdict{Why: "no instance has announced itself", In: time.Second}
	}
	return p.old(r.WithDefaults())
}

// Settled judges the same by what was seen of instances that do not write both columns,
// however young the pool is, and if nobody is there.
func (p Pool) Settled(move string, r Rules) Verdict {
	r = r.WithDefaults()
	if v, contracted := p.contracted(move); contracted {
		return v
	}
	if some := p.live(move, func(s Stage) bool { return !s.WritesBoth() }); len(some) > 0 {
		return Verdict{Why: fmt.Sprintf("waits for %s that %s only the old column: %s", instances(len(some)), verb(len(some), "writes", "write"), named(some))}
	}
	if last, ok := p.Last(move, Before); ok && last.Gone < r.Settle {
		return Verdict{In: r.Settle - last.Gone, Why: fmt.Sprintf("%s wrote only the old column until %s ago; goes on %s after the last such instance", last, brief(last.Gone), brief(r.Settle))}
	}
	return Verdict{OK: true}
}

// old judges whether the pool is old enough.
func (p Pool) old(r Rules) Verdict {
	age := p.Age(r.MinAge)
	if age >= r.MinAge {
		return Verdict{OK: true}
	}
	return Verdict{In: r.MinAge - age, Why: fmt.Sprintf("the pool has been announcing itself for %s, and must for %s: a version of the app without this library announces nothing", brief(age), brief(r.MinAge))}
}

// contracted judges whether an instance has been seen that writes only the new column.
func (p Pool) contracted(move string) (Verdict, bool) {
	last, ok := p.Last(move, After)
	if !ok {
		return Verdict{}, false
	}
	return Verdict{Conflict: true, Why: fmt.Sprintf("%s writes only the new column, so the old one is out of date, and a transform would overwrite new values with it: %s", last, remedy(last))}, true
}

// remedy says what to do about a contracted member.
func remedy(last Sighting) string {
	if last.Live {
		return "it must not be deployed before the transform is complete; roll it back to a version that writes both"
	}
	return fmt.Sprintf("it left %s ago", brief(last.Gone))
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Cleared reports whether every row that an instance in [Before] may have written was
// found by a walk that began since ago: that no such instance was there after it began.
func (p Pool) Cleared(move string, since time.Duration) bool {
	last, ok := p.Last(move, Before)
	return !ok || !last.Live && last.Gone > since
}

// Contract judges whether an instance may write only the new column: no other than term
// that is live needs the old one.
func (p Pool) Contract(move, term string) Verdict {
	some := slices.DeleteFunc(p.live(move, Stage.NeedsOld), func(s Sighting) bool { return s.Term == term })
	if len(some) == 0 {
		return Verdict{OK: true}
	}
	return Verdict{Conflict: true, Why: fmt.Sprintf("%s still %s the old column: %s is in %s", instances(len(some)), verb(len(some), "reads", "read"), some[0], some[0].Stage(move))}
}
