package throttle

import (
	"math"
	"time"
)

// longest bounds what one batch, and the ones before it together, can make the
// next one wait, so that no limit, however small, makes a wait that never ends.
const longest = 24 * time.Hour

// schedule knows from when on the next batch may start. It keeps what the last
// batch did and not when the wait for it ends, so that new limits change a wait
// which has begun.
type schedule struct {
	// ended is when the rest for the last batch began: when it ended, or later if
	// it started before the rest for the one before was over. It took so long.
	ended time.Time
	took  time.Duration

	// began is when the last batch began to pay for its rows: when it started, or
	// later if the batch before was not paid then.
	began time.Time
	rows  int

	// restDue and rowsDue are what the limits allowed last, under which the batch
	// that is now under way was started; limits may have changed meanwhile.
	restDue, rowsDue time.Time
}

// done notes that b has ended at now.
func (s *schedule) done(b Batch, limits Limits, now time.Time) {
	started := now.Add(-b.lasted())
	early := min(max(0, s.restDue.Sub(started)), longest)
	unpaid := min(max(0, s.rowsDue.Sub(started)), longest)
	s.ended, s.took = now.Add(early), b.busy()
	s.began, s.rows = started.Add(unpaid), b.Rows
	s.allow(limits)
}

// allow works out under limits when the next batch may start.
func (s *schedule) allow(limits Limits) {
	s.restDue, s.rowsDue = s.ended, s.began
	if limits.Duty < 1 {
		s.restDue = s.ended.Add(bounded(float64(s.took) * (1 - limits.Duty) / limits.Duty))
	}
	if limits.RowsPerSecond > 0 {
		s.rowsDue = s.began.Add(bounded(float64(s.rows) / limits.RowsPerSecond * float64(time.Second)))
	}
}

// pause returns how long to wait at now.
func (s *schedule) pause(limits Limits, why reasons, now time.Time) Pause {
	s.allow(limits)
	rest, pay := s.restDue.Sub(now), s.rowsDue.Sub(now)
	switch {
	case rest <= 0 && pay <= 0:
		return Pause{}
	case pay > rest:
		return Pause{For: pay, Limit: Rows, Reason: why.rows}
	default:
		return Pause{For: rest, Limit: Duty, Reason: why.duty}
	}
}

// bounded returns a number of nanoseconds, which may be infinite, as a duration of
// at most longest.
func bounded(nanoseconds float64) time.Duration {
	return time.Duration(math.Round(min(nanoseconds, float64(longest))))
}
