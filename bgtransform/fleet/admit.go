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
		return n.refused(fmt.Sprintf("%s %s only the new column of %s, so the old one is out of date; deploy a version whose reads are in phase new, or that has no old column and says so (Config.Contracted)",
			last, map[bool]string{true: "writes", false: "wrote"}[last.Live], n.Move))
	}
	left := slices.Clone(n.Can)
	for _, s := range p.Live() {
		if s.Instance == n.Instance {
			continue
		}
		for _, st := range s.stages(n.Move) {
			left = slices.DeleteFunc(left, func(can Stage) bool { return !can.Beside(st) })
			if len(left) == 0 {
				return n.refused(fmt.Sprintf("%s is alive and in stage %s of %s, and %s; %s", s, st, n.Move, n.clash(st), n.wayOut(st)))
			}
		}
	}
	return Verdict{OK: true}
}

func (n Newcomer) refused(why string) Verdict { return Verdict{Why: why, Conflict: true} }

func (n Newcomer) first() Stage { return n.Can[0] }
func (n Newcomer) last() Stage  { return n.Can[len(n.Can)-1] }

// clash says what would go wrong beside an instance in a stage.
func (n Newcomer) clash(other Stage) string {
	switch {
	case other == After:
		return "writes only the new column, while this version reads the old one"
	case n.last() == Before:
		return "reads the new column, which this version does not write"
	case n.first() == After:
		return "reads the old column, which this version does not write"
	case other == Before && n.first() != Old:
		return "writes only the old column, which this version does not read"
	default:
		return "only neighbours in before, old, fallback, compare, new, after may live side by side"
	}
}

// wayOut says what to do first.
func (n Newcomer) wayOut(other Stage) string {
	switch {
	case other == After:
		return "go back one version at a time: deploy one first that writes both columns, with its reads in phase new"
	case n.last() == Before:
		return fmt.Sprintf("bring reads to phase old first (tune %s phase=old), or deploy a version in between", n.Move)
	case other == Before:
		return "replace it first by a version that writes both columns"
	case other.rank() < n.first().rank():
		next := Stages()[n.first().rank()-1]
		return fmt.Sprintf("wait until it is in phase %s, or ask for that (tune %s phase=%s)", next, n.Move, next)
	default:
		return "wait until they are"
	}
}
