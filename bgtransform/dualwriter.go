package bgtransform

import "github.com/bgtransform/sidecar/bgtransform/dualread"

// DualWriter is an optional extension of [Transform], for one that moves rows while
// the app reads and writes both sides of the move.
type DualWriter interface {
	// DualColumn returns the column through which the app does so on this
	// instance. It is the same at each call, and never nil.
	DualColumn() DualColumn
}

// DualColumn is what the engine asks of a column on the move, whatever its types:
// a [dualread.Column]. It is safe for concurrent use.
type DualColumn interface {
	// Phase returns the phase that reads are in.
	Phase() dualread.Phase
	// SetPhase puts reads into another phase, from the next one on.
	SetPhase(p dualread.Phase) error
	// Stats returns the move's name and what its reads have seen. It does not block.
	Stats() dualread.Stats
}

var _ DualColumn = (*dualread.Column[struct{}, int])(nil)

// HeldColumn is an optional extension of [DualColumn]. With it the pool decides which
// phase reads are in: Register holds the column's phase, and code that calls SetPhase
// only asks for another. [dualread.Column] has it.
type HeldColumn interface {
	// Hold gives the phase into the engine's hands. From then on SetPhase calls told
	// instead of changing the phase; a nil told gives it back.
	Hold(told func())
	// Asked returns the phase that SetPhase has asked for last.
	Asked() dualread.Phase
	// Enter puts reads into a phase, from the next one on.
	Enter(p dualread.Phase) error
}

var _ HeldColumn = (*dualread.Column[struct{}, int])(nil)
