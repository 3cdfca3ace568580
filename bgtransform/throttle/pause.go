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
)

// String returns a short name for logs and metrics: "none", "duty",
// "rows" or "health".
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
type reasons struct{ duty, rows string }

func reasonsFor(l Limits) reasons {
	return reasons{
		duty: "duty cycle " + strconv.FormatFloat(100*l.Duty, 'g', 3, 64) + " %",
		rows: "rows per second " + strconv.FormatFloat(l.RowsPerSecond, 'f', -1, 64),
	}
}
