package bgtransform

import (
	"math"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// rateMemory is how far back the rate looks: older batches fade out. It spans a
// few of the pauses that a throttle makes, and is nothing in a night's work.
const rateMemory = 2 * time.Minute

// rate is keys per second over the recent past. The pauses between batches are part
// of it; what lies between two attempts, such as a window that is shut, is not.
type rate struct {
	run, pass  int64 // that it is of
	limits     throttle.Limits
	last       time.Time // the end of the last batch; zero: none yet in this attempt
	keys, secs float64   // how many keys in how much time, each weighed by its age
}

// rateOf goes on where an earlier attempt at the pass was.
func rateOf(r store.Range) rate {
	return rate{run: r.Run, pass: r.Pass, keys: r.RowsPerSec * r.RatedSecs, secs: r.RatedSecs}
}

// add counts a batch that ended now. The first batch of an attempt only says when
// the next one began: it meets cold caches, and nobody knows what came before.
func (r *rate) add(keys int, now time.Time) {
	dt := now.Sub(r.last).Seconds()
	first := r.last.IsZero()
	r.last = now
	if first || dt <= 0 {
		return
	}
	fade := math.Exp(-dt / rateMemory.Seconds())
	weight := rateMemory.Seconds() * (1 - fade) // of dt seconds, the older of which fade already
	r.keys = r.keys*fade + float64(keys)/dt*weight
	r.secs = r.secs*fade + weight
}

// adapt forgets most of what was under other limits: an operator who has changed
// them wants to see what that makes of the finish.
func (r *rate) adapt(limits throttle.Limits) {
	if r.limits != limits && r.limits != (throttle.Limits{}) && r.secs > stale {
		r.keys, r.secs = r.keys*stale/r.secs, stale
	}
	r.limits = limits
}

// stale is how many seconds what was measured under other limits counts for.
const stale = 2.0

// rated brings the rates up to date after a batch.
func (a *attempt) rated(step *Step, res *BatchResult, took time.Duration) {
	r, now := &a.rec.Range, time.Now()
	if a.rate.run != r.Run || a.rate.pass != r.Pass {
		a.rate = rate{run: r.Run, pass: r.Pass}
	}
	a.rate.adapt(a.e.pace().limits)
	if a.rate.add(step.Keys, now); a.rate.secs > 0 {
		r.RowsPerSec, r.RatedSecs = a.rate.keys/a.rate.secs, a.rate.secs
	}
	r.MeasuredMS = now.UnixMilli()
	if r.Mode == store.ModeTransform && step.Keys > 0 {
		a.readingRated(step.Keys, res, took)
	}
}

// readTimer is implemented by steppers that know how long their queries took,
// without the user's code. It is since it was last asked.
type readTimer interface{ reading() time.Duration }

const (
	// besidesReading is what a batch that has nothing to write takes in all, for the
	// time that its queries take: there is its checkpoint.
	besidesReading = 1.5

	// newReading is the weight of the newest batch in the rate of reading.
	newReading = 0.1
)

// readingRated learns how fast a pass would be that has nothing to write: measured
// where a batch has found nothing, else from what it took to read.
func (a *attempt) readingRated(keys int, res *BatchResult, took time.Duration) {
	cost := took
	if timer, ok := a.stepper.(readTimer); ok {
		if reads := timer.reading(); res.Found > 0 {
			cost = min(took, time.Duration(besidesReading*float64(reads)))
		}
	}
	duty := a.e.pace().limits.WithDefaults().Duty
	now := float64(keys) * duty / max(cost, time.Microsecond).Seconds()
	r := &a.rec.Range
	if r.ReadRate == 0 {
		r.ReadRate = now
	}
	// The mean of times, not of rates: a fast batch makes up for no slow one.
	r.ReadRate = 1 / ((1-newReading)/r.ReadRate + newReading/now)
}
