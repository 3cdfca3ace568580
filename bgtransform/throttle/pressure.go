package throttle

import (
	"strconv"
	"time"
)

// Level says what a health signal asks for. A higher one asks for more.
type Level int

const (
	// Normal asks for nothing.
	Normal Level = iota
	// Slow asks for fewer and smaller batches.
	Slow
	// Stop asks for no new batch.
	Stop
	// Critical asks for no new batch, and to cancel the one that is under way, which
	// is for its runner to do: a [Pacer] knows of batches only once they have ended.
	Critical
)

// String returns a short name for logs and metrics: "normal", "slow", "stop" or
// "critical".
func (l Level) String() string {
	switch l {
	case Normal:
		return "normal"
	case Slow:
		return "slow"
	case Stop:
		return "stop"
	case Critical:
		return "critical"
	default:
		return "Level(" + strconv.Itoa(int(l)) + ")"
	}
}

// Pressure is what the health signals ask for together: the highest level, with
// the reason of the signal behind it. The zero value asks for nothing.
type Pressure struct {
	Level Level

	// Reason says for an operator what is wrong, such as "replica lag 3.2 s > 2 s".
	// It is empty if nothing is.
	Reason string
}

// SetPressure says what the health signals ask for now; it holds until it is
// called again, with the zero Pressure once all is well. It may be called as often
// as wanted: only a change of the level, and how long it has lasted, matter.
//
// While it is [Stop] or [Critical], [Pacer.Wait] asks for a wait of one second
// each time that it is called. [Slow] halves at once the size of batches and the
// share of time that they may use, and halves both again every five seconds, down to
// an eighth. Afterwards both come back within ten seconds for each halving;
// after a stop they come back from an eighth.
func (p *Pacer) SetPressure(pressure Pressure) { p.ease.set(pressure, time.Now()) }
