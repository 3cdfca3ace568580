package fleet

import (
	"fmt"
	"slices"
	"strings"
)

// Stage is how an instance of the app treats the columns of a move. Its text is what
// is stored. The stages have an order, and only neighbours may live side by side:
//
//	before ── old ── fallback ── compare ── new ── after
//	writes    └────── writes both, reads …──────┘  writes
//	the old                                        the new
//
// Beside a before, only old is right: a before leaves values in the new column that
// are out of date.
type Stage string

// The stages, in their order.
const (
	Before   Stage = "before"   // does not know the move: reads and writes the old column only
	Old      Stage = "old"      // writes both, reads the old column
	Fallback Stage = "fallback" // writes both, reads the new column and, where it is null, the old one
	Compare  Stage = "compare"  // writes both, reads both and compares them
	New      Stage = "new"      // writes both, reads the new column
	After    Stage = "after"    // knows the new column only: the old one is out of date from then on
)

// Stages returns all stages in their order.
func Stages() []Stage { return []Stage{Before, Old, Fallback, Compare, New, After} }

// ParseStage returns the stage of the text s. The error names s and what would be valid.
func ParseStage(s string) (Stage, error) {
	if st := Stage(s); st.known() {
		return st, nil
	}
	var names []string
	for _, st := range Stages() {
		names = append(names, string(st))
	}
	return "", fmt.Errorf("fleet: unknown stage %q: valid are %s", s, strings.Join(names, ", "))
}

// WritesBoth reports whether an instance of the stage writes both columns.
func (s Stage) WritesBoth() bool { return s.rank() >= Old.rank() && s.rank() <= New.rank() }

// NeedsOld reports whether an instance of the stage reads the old column, in doubt also
// one of a stage that a later version of this package has.
func (s Stage) NeedsOld() bool { return s.rank() < New.rank() }

// Beside reports whether instances of two stages may live side by side: those of one
// stage, and neighbours.
func (s Stage) Beside(t Stage) bool {
	if !s.known() || !t.known() {
		return s == t
	}
	apart := s.rank() - t.rank()
	return apart >= -1 && apart <= 1
}

// rank is the stage's place in the order; -1 for one that is not known.
func (s Stage) rank() int { return slices.Index(Stages(), s) }

func (s Stage) known() bool { return s.rank() >= 0 }

// at returns the stage of a rank, the nearest of those that write both.
func at(rank int) Stage { return Stages()[min(max(rank, Old.rank()), New.rank())] }
