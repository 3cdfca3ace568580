package postgreshealth

import (
	"slices"
	"sync"
	"time"
)

// trail remembers when the primary's log of transactions was how long, and so for
// how long a replica is behind, whatever it says itself: also one that is frozen,
// while the primary is idle, and with clocks that differ. What it was behind before
// the first look counts from that on.
type trail struct {
	mu    sync.Mutex
	marks []mark // rising
}

type mark struct {
	at  time.Time // when it was first seen
	end int64     // of the primary's log
}

// mostMarks bounds the memory of a trail. A longer one is thinned out.
const mostMarks = 1000

// note remembers the end of the primary's log.
func (t *trail) note(end int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.marks); n > 0 && t.marks[n-1].end > end {
		t.marks = nil // another primary
	} else if n > 0 && t.marks[n-1].end == end {
		return
	}
	if len(t.marks) >= mostMarks {
		kept := 0
		t.marks = slices.DeleteFunc(t.marks, func(mark) bool { kept++; return kept%2 == 0 })
	}
	t.marks = append(t.marks, mark{now, end})
}

// behind returns for how long there has been something that a replica has not
// replayed.
func (t *trail) behind(replayed int64, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := slices.BinarySearchFunc(t.marks, replayed+1, func(m mark, end int64) int {
		if m.end < end {
			return -1
		}
		return 1
	})
	if i == len(t.marks) {
		return 0
	}
	return now.Sub(t.marks[i].at)
}
