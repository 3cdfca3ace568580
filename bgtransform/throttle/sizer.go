package throttle

import (
	"math"
	"slices"
	"time"
)

const (
	// maxGrowth is the most that one batch adds: half of the size. A size that is
	// ten times too small is right after six batches.
	maxGrowth = 1.5

	// aim is the share of the target for which a change of the size aims, so that
	// batches may differ by a tenth and none of them is too slow.
	aim = 0.9

	// steady is the share of the target from which on the size is right. It leaves
	// room on both sides of aim, so that a batch that differs a little from
	// the one before changes nothing.
	steady = 0.75

	// codeTargets is how many targets long the user's code may take in a batch. It
	// holds no locks, but the longer it takes, the more rows has the application
	// changed meanwhile.
	codeTargets = 5

	// agreeing is how many batches, one after the other, must have been fast
	// before the size grows.
	agreeing = 4
)

// sizer holds the batch size and moves it towards the target.
type sizer struct {
	limits Limits
	size   int

	// started is true from the first batch on.
	started bool

	// last holds how long the last batches took, and count says how many
	// there were.
	last  [agreeing]time.Duration
	count int
}

// setLimits moves the size into limits. A size that was halved to below the
// floor stays there until it has grown.
func (s *sizer) setLimits(limits Limits) {
	halved := s.started && s.size < s.limits.floor()
	s.limits = limits
	if !s.started {
		s.size = limits.StartBatch
	}
	if !halved {
		s.size = max(s.size, limits.floor())
	}
	s.size = min(s.size, limits.ceiling())
}

// eased returns the share of the size that the health signals leave, though not
// less than the floor.
func (s *sizer) eased(share float64) int {
	return min(s.size, max(int(share*float64(s.size)), s.limits.floor()))
}

// done moves the size after a batch that had keys.
func (s *sizer) done(b Batch) {
	s.started = true
	slower := max(b.Took, b.Code/codeTargets)
	s.last[s.count%agreeing] = slower
	s.count++
	target, took := float64(s.limits.Target), float64(slower)
	if took > target {
		s.shrink(aim * target / took * float64(b.Keys))
		return
	}
	slowest := float64(slices.Max(s.last[:]))
	if slowest < steady*target && b.Keys >= s.size {
		s.grow(aim * target / slowest)
	}
}

// shrink lowers the size to the given one, or to the floor if that is higher. It
// never raises it: a batch that was read before the size was lowered is late news.
func (s *sizer) shrink(size float64) {
	s.size = int(min(float64(s.size), max(size, float64(s.limits.floor()))))
}

// grow raises the size by factor, which is infinite for a batch that took no
// measurable time. Of the growth allowed a fraction of a key is rounded up, as
// small sizes could not grow otherwise; of the growth wanted it is rounded down.
func (s *sizer) grow(factor float64) {
	most := math.Ceil(float64(s.size) * maxGrowth)
	s.size = min(int(min(float64(s.size)*factor, most)), s.limits.ceiling())
}

// halve halves the size whatever the floor says.
func (s *sizer) halve() {
	s.started = true
	s.size = max(1, s.size/2)
}
