package throttle

import "math"

const (
	// maxGrowth is the most that one batch adds: half of the size. A size that is
	// ten times too small is right after six batches.
	maxGrowth = 1.5

	// aim is the share of the target, or of the rows that a batch may change, for which a
	// change of the size aims: batches may differ by a tenth and none of them is too much.
	aim = 0.9

	// steady is the share from which on the size is right. It leaves
	// room on both sides of aim, so that a batch that differs a little from
	// the one before changes nothing.
	steady = 0.75

	// codeTargets is how many targets long the user's code may take in a batch. It
	// holds no locks, but the longer it takes, the more rows has the application
	// changed meanwhile.
	codeTargets = 5

	// agreeing is how many batches, one after the other, must have been light
	// before the size grows.
	agreeing = 4
)

// sizer holds the batch size and moves it towards the target, or towards the number
// of rows that a batch may change.
type sizer struct {
	limits Limits
	size   int

	// started is true from the first batch on.
	started bool

	// last holds the last batches, and count says how many there were.
	last  [agreeing]Batch
	count int
}

// setLimits moves the size into limits. A size that was halved to below the
// floor stays there until it has grown.
func (s *sizer) setLimits(limits Limits) {
	halved, before := s.started && s.size < s.limits.floor(), s.limits
	s.limits = limits
	if !s.started {
		s.size = limits.StartBatch
	}
	if !halved {
		s.size = max(s.size, limits.floor())
	}
	s.size = min(s.size, limits.ceiling())
	if _, densest := s.recent(); limits.MaxRows < before.MaxRows && s.rows(densest) > limits.MaxRows {
		s.shrinkToRows(densest)
	}
}

// eased returns the share of the size that the health signals leave, though not
// less than the floor.
func (s *sizer) eased(share float64) int {
	return min(s.size, max(int(share*float64(s.size)), s.limits.floor()))
}

// done moves the size after a batch that had keys.
func (s *sizer) done(b Batch) {
	s.started = true
	s.last[s.count%agreeing] = b
	s.count++
	slow, many := s.slowness(b) > 1, b.Rows > s.limits.MaxRows || s.tells(b) && s.rows(b.density()) > s.limits.MaxRows
	if slow {
		s.shrink(aim / s.slowness(b) * float64(b.Keys))
	}
	if many {
		s.shrinkToRows(b.density())
	}
	if slow || many || b.Keys < s.size {
		return
	}
	if slowest, densest := s.recent(); slowest < steady {
		s.grow(aim/slowest, s.room(densest))
	}
}

// recent returns how slow the slowest of the last batches was, and how dense the densest.
func (s *sizer) recent() (slowest, densest float64) {
	for _, b := range s.last[:min(s.count, agreeing)] {
		slowest = max(slowest, s.slowness(b))
		if s.tells(b) {
			densest = max(densest, b.density())
		}
	}
	return slowest, densest
}

// tells reports whether b was large enough to tell how many rows change in a batch of
// the present size, as the last one of a table need not be. One that was eased is.
func (s *sizer) tells(b Batch) bool { return float64(b.Keys) >= leastShare*float64(s.size) }

// rows returns how many rows a batch of the present size changes.
func (s *sizer) rows(density float64) int { return int(density * float64(s.size)) }

// shrinkToRows lowers the size to one at which few enough rows change.
func (s *sizer) shrinkToRows(density float64) {
	s.shrink(max(aim*float64(s.limits.MaxRows)/density, s.harmless(density)))
}

// room returns up to which size batches may grow for the rows that change.
func (s *sizer) room(density float64) float64 {
	most, room := float64(s.limits.MaxRows), float64(s.size)
	if density*room < steady*most {
		room = aim * most / density
	}
	return max(room, s.harmless(density))
}

// harmless returns the size up to which rows are never too many: as many keys as a batch
// may change rows, or fewer where a key stands for several.
func (s *sizer) harmless(density float64) float64 {
	return float64(s.limits.MaxRows) / max(1, density)
}

// slowness is the share of the target that a batch took.
func (s *sizer) slowness(b Batch) float64 {
	return float64(max(b.Took, b.Code/codeTargets)) / float64(s.limits.Target)
}

// heldByRows reports whether it is rows that keep the next batch from being larger.
func (s *sizer) heldByRows() bool {
	if s.count == 0 {
		return false
	}
	b := s.last[(s.count-1)%agreeing]
	_, densest := s.recent()
	fullness := densest * float64(s.size) / float64(s.limits.MaxRows)
	return fullness >= steady && fullness >= s.slowness(b)*min(1, float64(s.size)/float64(b.Keys))
}

// forget takes back what is known of the last batches.
func (s *sizer) forget() {
	s.count = 0
	s.size = min(s.size, s.limits.StartBatch)
}

// shrink lowers the size to the given one, or to the floor if that is higher. It
// never raises it: a batch that was read before the size was lowered is late news.
func (s *sizer) shrink(size float64) {
	s.size = int(min(float64(s.size), max(size, float64(s.limits.floor()))))
}

// grow raises the size by factor, up to room. The one is infinite for a batch that took
// no measurable time, the other for one that changed nothing. Of the growth allowed a
// fraction of a key is rounded up, as small sizes could not grow otherwise; of the growth
// wanted it is rounded down.
func (s *sizer) grow(factor, room float64) {
	most := math.Ceil(float64(s.size) * maxGrowth)
	s.size = min(int(min(float64(s.size)*factor, most, room)), s.limits.ceiling())
}

// halve halves the size whatever the floor says.
func (s *sizer) halve() {
	s.started = true
	s.size = max(1, s.size/2)
}
