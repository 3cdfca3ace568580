package gate

import (
	"fmt"
	"strings"
	"time"
)

// Refusal is the error of a gate that does not open yet. Its text has a line for each
// missing piece, and one for each command that supplies it.
type Refusal struct {
	Missing []Missing `json:"missing"`
}

// Missing is a piece of the evidence that is missing.
type Missing struct {
	Transform string    `json:"transform"`
	Piece     Piece     `json:"piece"`
	Text      string    `json:"text"`               // for people: what, and how it stands
	Commands  []string  `json:"commands,omitempty"` // of which one supplies it, or shows why it is missing
	Remaining int64     `json:"remaining"`          // rows still to be walked, an estimate; -1: not known
	Until     time.Time `json:"until,omitzero"`     // when it will be there by itself; zero: nobody knows
}

// Piece is a piece of the evidence; pipelines may depend on its values.
type Piece string

// The pieces of the evidence.
const (
	PieceComplete   Piece = "complete"   // a whole pass found nothing pending
	PieceQuarantine Piece = "quarantine" // it is empty, or accepted
	PieceVerified   Piece = "verified"   // since it became complete
	PiecePhase      Piece = "phase"      // no instance that is alive reads the old column
	PieceWrites     Piece = "writes"     // none writes it either, where that is asked for
	PieceFallback   Piece = "fallback"   // no read was answered by the old columns
	PieceMissing    Piece = "missing"    // no read was answered by nothing
	PieceMismatch   Piece = "mismatch"   // no read found that both sides differ
	PieceReads      Piece = "reads"      // reads were counted for long enough
)

// Error implements error.
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString("may not contract yet")
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "\n  %s: %s", m.Transform, m.Text)
		for _, c := range m.Commands {
			fmt.Fprintf(&b, "\n      %s", c)
		}
	}
	return b.String()
}
