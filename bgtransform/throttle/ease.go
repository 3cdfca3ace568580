package throttle

import (
	"cmp"
	"math"
	"time"
)

const (
	// leastShare is what is left of the size and of the duty cycle under pressure
	// that lasts: three halvings.
	leastShare = 1.0 / 8

	// pressEvery is how long a slower pace has to show an effect before it is
	// halved once more.
	pressEvery = 5 * time.Second

	// doubling is how long it takes until a share has come back to the double.
	// What comes back much faster than it went would bring back the pressure.
	doubling = 10 * time.Second

	// askAgain is the wait while signals say stop: nobody knows for how long they will.
	askAgain = time.Second
)

// ease is how far batches give way to the health signals.
type ease struct {
	level  Level
	reason string // of the last pressure, kept until the pace has come back

	// held is the share of the size and of the duty cycle that was left at since:
	// less than 1 from the first pressure until the pace has come back.
	held  float64
	since time.Time
}

func newEase() ease { return ease{held: 1} }

// set notes at now what the signals ask for.
func (e *ease) set(p Pressure, now time.Time) {
	level := min(max(p.Level, Normal), Critical)
	if level > Normal {
		e.reason = cmp.Or(p.Reason, "a health signal says "+level.String())
	}
	if level == e.level {
		return
	}
	share := e.share(now)
	switch {
	case level >= Stop:
		share = leastShare
	case level > Normal:
		share = max(share/2, leastShare)
	}
	e.level, e.held, e.since = level, share, now
}

// share returns what is left at now of the size and of the duty cycle, from
// leastShare to 1.
func (e *ease) share(now time.Time) float64 {
	switch {
	case e.held == 1:
		return 1
	case e.level == Normal:
		return min(1, e.held*math.Exp2(float64(now.Sub(e.since))/float64(doubling)))
	default:
		return max(leastShare, e.held/math.Exp2(float64(now.Sub(e.since)/pressEvery)))
	}
}

// stops reports whether no batch may start at all.
func (e *ease) stops() bool { return e.level >= Stop }

// why says for an operator what slows the batches down.
func (e *ease) why() string {
	if e.level == Normal {
		return "recovering after " + e.reason
	}
	return e.reason
}
