package dualread

import (
	"fmt"
	"strconv"
)

// Phase says which column is read. Both are written in each of them.
//
// Its text is "old", "fallback" or "new". The numbers have no order and
// are not to be stored: store the text.
type Phase uint8

const (
	// PhaseFallback reads the new column, and the old ones where it is null. It
	// is the zero value: right as soon as the new column exists, whether
	// or not any row has been moved.
	PhaseFallback Phase = iota
	// PhaseOld reads the old columns only: the way back when the new column turns
	// out to be wrong.
	PhaseOld
	// PhaseNew reads the new column only, as the service will once the old
	// columns are dropped.
	PhaseNew
)

// ParsePhase returns the phase of the text s. The error names s and what
// would be valid.
func ParsePhase(s string) (Phase, error) {
	for p := PhaseFallback; p.valid(); p++ {
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
	return fmt.Sprintf("%s, %s and %s", PhaseOld, PhaseFallback, PhaseNew)
}
