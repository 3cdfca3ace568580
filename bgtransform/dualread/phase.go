package dualread

import (
	"fmt"
	"slices"
	"strconv"
)

// Phase says which column is read. Both are written in each of them.
//
// A column moves through them in the order of [Phases]. The text is "old",
// "fallback", "compare" or "new". The numbers have no order and are not to be
// stored: store the text.
type Phase uint8

const (
	// PhaseFallback reads the new column, and the old ones where it is null. It
	// is the zero value: right as soon as the new column exists, whether
	// or not any row has been moved.
	PhaseFallback Phase = iota
	// PhaseOld reads the old columns only: the way back when the new column turns
	// out to be wrong.
	PhaseOld
	// PhaseCompare reads as PhaseFallback does, and compares the values of both
	// columns, of a share of the reads and beside them (see [Comparison]): the
	// proof before PhaseNew.
	PhaseCompare
	// PhaseNew reads the new column only, as the service will once the old
	// columns are dropped.
	PhaseNew
)

// Phases returns all phases in the order in which a column moves: old, fallback,
// compare, new. The slice is the caller's.
func Phases() []Phase { return []Phase{PhaseOld, PhaseFallback, PhaseCompare, PhaseNew} }

// Adjacent reports whether instances in a and b may serve side by side: when they
// are in the same phase, or in neighbouring ones. A phase that is none is adjacent
// to nothing.
func Adjacent(a, b Phase) bool {
	if !a.valid() || !b.valid() {
		return false
	}
	steps := a.Distance(b)
	return -1 <= steps && steps <= 1
}

// Distance returns how many steps lead from p to q, below 0 when they lead back
// and 0 when one of them is no phase.
func (p Phase) Distance(q Phase) int {
	phases := Phases()
	from, to := slices.Index(phases, p), slices.Index(phases, q)
	if from < 0 || to < 0 {
		return 0
	}
	return to - from
}

// ReadsOld reports whether an answer in phase p may come from the old columns.
// Only when no instance is in such a phase may they be dropped.
func (p Phase) ReadsOld() bool { return p != PhaseNew }

// ParsePhase returns the phase of the text s. The error names s and what
// would be valid.
func ParsePhase(s string) (Phase, error) {
	for _, p := range Phases() {
		if p.String() == s {
			return p, nil
		}
	}
	return PhaseFallback, fmt.Errorf("dualread: unknown phase %q: valid are %s", s, validPhases())
}

// String returns the phase's text, or "Phase(n)" when n is no phase.
func (p Phase) String() string {
	switch p {
	case PhaseOld:
		return "old"
	case PhaseFallback:
		return "fallback"
	case PhaseCompare:
		return "compare"
	case PhaseNew:
		return "new"
	default:
		return "Phase(" + strconv.Itoa(int(p)) + ")"
	}
}

// MarshalText returns the phase's text. It fails for a number that is no phase.
func (p Phase) MarshalText() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}

// UnmarshalText sets p as [ParsePhase] does. It leaves p alone on an error.
func (p *Phase) UnmarshalText(text []byte) error {
	parsed, err := ParsePhase(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

func (p Phase) valid() bool { return p <= PhaseNew }

func (p Phase) check() error {
	if p.valid() {
		return nil
	}
	return fmt.Errorf("dualread: unknown phase %s: valid are %s", p, validPhases())
}

// validPhases is the end of a sentence, in the order in which a column moves.
func validPhases() string {
	return fmt.Sprintf("%s, %s, %s and %s", PhaseOld, PhaseFallback, PhaseCompare, PhaseNew)
}
