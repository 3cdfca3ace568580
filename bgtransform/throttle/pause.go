package throttle

import (
	"strconv"
	"time"
)

// Limit names the limit that makes a batch wait.
type Limit int

const (
	// None means that the batch need not wait.
	None Limit = iota
	// Duty is the duty cycle, [Limits.Duty].
	Duty
	// Rows is the number of rows per second, [Limits.RowsPerSecond].
	Rows
	// Health is what the health signals ask for, see [Pacer.SetPressure].
	Health
	// Size is the largest size of a batch, [Limits.MaxBatch] or [Limits.MaxRows]. It
	// makes nothing wait.
	Size
	// Target is how long a batch should take, [Limits.Target]. It makes nothing
	// wait: only the speed of the database and of the user's code counts.
	Target
)

// String returns a short name for logs and metrics: "none", "duty",
// "rows", "health", "size" or "target".
func (l Limit) String() string {
	switch l {
	case None:
		return "none"
	case Duty:
		return "duty"
	case Rows:
		return "rows"
	case Health:
		return "health"
	case Size:
		return "size"
	case Target:
		return "target"
	default:
		return "Limit(" + strconv.Itoa(int(l)) + ")"
	}
}

// Pause says how long to wait before the next batch, and why.
type Pause struct {
	// For is how long to wait, from 0 to two days.
	For time.Duration

	// Reason says for an operator what limits the speed, such as "duty cycle 50 %",
	// "rows per second 2000" or "replica lag 3.2 s > 2 s". It is empty if For is 0.
	Reason string

	// Limit is the limit behind Reason.
	Limit Limit
}

// reasons holds the texts for pauses, made once for each set of limits.
type reasons struct{ duty, rows, size, changed, target string }

func reasonsFor(l Limits) reasons {
	return reasons{
		duty:    "duty cycle " + strconv.FormatFloat(100*l.Duty, 'g', 3, 64) + " %",
		rows:    "rows per second " + strconv.FormatFloat(l.RowsPerSecond, 'f', -1, 64),
		size:    "batches of " + strconv.Itoa(l.MaxBatch) + " keys at most",
		changed: "batches that change about " + strconv.Itoa(l.MaxRows) + " rows at most",
		target:  "the database's speed, in batches of about " + l.Target.String(),
	}
}
