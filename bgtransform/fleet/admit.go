package fleet

import (
	"fmt"
	"slices"
)

// Newcomer is an instance that is about to serve.
type Newcomer struct {
	Move     string
	Instance string  // its name: a live member of that name is its own former life
	Can      []Stage // the stages that it can come to, in their order; one at least
}

// Admit judges whether an instance may begin to serve: whether it can come to a stage that
// is right beside all live members and, where somebody wrote the new column alone, reads that
// one. It is for the moment before the instance is in the pool: from then on [Pool.Step]
// keeps it where it is right.
func (p Pool) Admit(n Newcomer) Verdict {
	if last, ok := p.Last(n.Move, After); ok && n.last().rank() < New.rank() {
		wrote := "wrote"
		if last.Live {
			wrote = "writes"
		}
		return refused("%s %s only the new column of %s, so the old one is out of date; deploy a version whose reads are in phase new, or that has no old column and says so (Config.Contracted)", last, wrote, n.Move)
	}
	left := slices.Clone(n.Can)
	for _, s := range p.Live() {
		if s.Instance == n.Instance {
			continue
		}
		for _, st := range s.stages(n.Move) {
			left = slices.DeleteFunc(left, func(can Stage) bool { return !can.Beside(st) })
			switch {
			case len(left) > 0:
			case slices.ContainsFunc(n.Can, st.Beside):
				return refused("%s is alive and in stage %s of %s, and others are where no version fits beside both; wait until they are neighbours in before, old, fallback, compare, new, after", s, st, n.Move)
			default:
				clash, wayOut := n.trouble(st)
				return refused("%s is alive and in stage %s of %s, and %s; %s", s, st, n.Move, clash, wayOut)
			}
		}
	}
	return Verdict{OK: true}
}

func refused(format string, args ...any) Verdict {
	return Verdict{Why: fmt.Sprintf(format, args...), Conflict: true}
}

func (n Newcomer) first() Stage { return n.Can[0] }
func (n Newcomer) last() Stage  { return n.Can[len(n.Can)-1] }

// trouble says what would go wrong beside an instance in a stage that none of n's may be
// beside, and what to do first.
func (n Newcomer) trouble(other Stage) (clash, wayOut string) {
	clash = "reads the old column, which this version does not write"
	switch {
	case !other.known():
		return "this version does not know that stage", "deploy a version that does"
	case n.last() == Before:
		return "reads the new column, which this version does not write", fmt.Sprintf("bring reads to phase old first (tune %s phase=old), or deploy a version in between", n.Move)
	case n.first() != After && other == Before:
		clash = "writes only the old column, which this version does not read"
	case n.first() != After:
		clash = "is too far from " + string(n.first()) + ": only neighbours in before, old, fallback, compare, new, after may live side by side"
	}
	if other == Before {
		return clash, "replace it first by a version that writes both columns"
	}
	next := Stages()[n.first().rank()-1]
	return clash, fmt.Sprintf("wait until it is in phase %s, or ask for that (tune %s phase=%s)", next, n.Move, next)
}
