package bgtransform

import "time"

// Reason says why a transform is not advancing, or what limits it.
type Reason struct {
	Code  ReasonCode `json:"code,omitempty"`
	Text  string     `json:"text,omitempty"` // for people: what, and what would end it
	Until time.Time  `json:"until,omitzero"` // when it ends or is looked at again; zero when nobody knows
}

// ReasonCode is the machine-readable part of a [Reason]; metrics and alerts
// may depend on its values.
type ReasonCode string

// The reasons that the engine gives.
const (
	ReasonNone       ReasonCode = ""
	ReasonFlags      ReasonCode = "flags"         // an environment flag is malformed
	ReasonSettings   ReasonCode = "settings"      // this version of the app cannot read what an operator has set
	ReasonDisabled   ReasonCode = "disabled"      // a flag or the code switched it off on this instance
	ReasonDatabase   ReasonCode = "database"      // the app's database cannot be reached or written
	ReasonSchema     ReasonCode = "schema"        // a table or column is not there (yet)
	ReasonLocker     ReasonCode = "locker"        // the lease's server cannot be reached
	ReasonHeld       ReasonCode = "held"          // another instance holds it
	ReasonFinish     ReasonCode = "finish"        // another process finishes it in the foreground
	ReasonClaim      ReasonCode = "claim"         // a transaction of an older attempt is still open
	ReasonWindow     ReasonCode = "window"        // outside its window
	ReasonFleet      ReasonCode = "fleet"         // an instance of the pool writes only one of the columns, or the pool is not known well enough
	ReasonDependency ReasonCode = "dependency"    // another transform must complete first
	ReasonSuperseded ReasonCode = "superseded"    // a newer version of the app defines it otherwise
	ReasonSlot       ReasonCode = "slot"          // this instance runs as many transforms as it may
	ReasonThrottle   ReasonCode = "throttle"      // paced by duty cycle, rows per second or the size of batches
	ReasonHealth     ReasonCode = "health"        // slowed down or held back by a health signal
	ReasonWriters    ReasonCode = "writers"       // a pass begins when transactions have ended that have written to the table
	ReasonBackoff    ReasonCode = "backoff"       // backing off after an error
	ReasonQuarantine ReasonCode = "quarantine"    // rows in quarantine block completion
	ReasonPaused     ReasonCode = "paused"        // by an operator
	ReasonCancelled  ReasonCode = "cancelled"     // by an operator
	ReasonAsked      ReasonCode = "asked"         // an operator's wish that no instance has followed yet
	ReasonLeft       ReasonCode = "left"          // reverted, but for rows that were left as they are
	ReasonStopped    ReasonCode = "stopped"       // its instance shut down; the next takes over
	ReasonLeaseLost  ReasonCode = "lease_lost"    // its instance lost the lease
	ReasonUnattended ReasonCode = "unattended"    // said to be running, but no instance gives a sign
	ReasonDryRun     ReasonCode = "dry_run"       // a dry run has ended; nothing was written
	ReasonStillMatch ReasonCode = "still_pending" // the pending condition stays true after the write
	ReasonTooManyBad ReasonCode = "too_many_quarantined"
	ReasonError      ReasonCode = "error"
)

// IsZero reports whether there is no reason.
func (r Reason) IsZero() bool { return r.Code == ReasonNone && r.Text == "" }

// String returns the text, with the time it holds until, if known.
func (r Reason) String() string {
	if r.Until.IsZero() {
		return r.Text
	}
	return r.Text + " (until " + r.Until.Format(time.RFC3339) + ")"
}
