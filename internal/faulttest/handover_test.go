package faulttest

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestI6StoppedHolderHandsOver stops the holder of a pool of two in order, as a
// deploy does, and replaces it, again and again: another one commits the next batch
// long before the lease of the one that left would have ended.
func TestI6StoppedHolderHandsOver(t *testing.T) {
	t.Parallel()
	eachLease(t, func(t *testing.T, db *database, lease func(*order)) {
		t.Helper()
		const term = 60 * time.Second // nobody waits for the end of one
		seed(t, db, plenty)
		s := newStage(t, db)
		start := func() *process {
			return s.start(lease, ttl(term), func(o *order) { o.Standby = 0 }) // asks as often as by default
		}
		s.says(s.now(), start(), "attempt")
		var took []time.Duration
		for range handovers() {
			more(t, db)
			s.says(s.now(), start(), "waits held") // it stands by: its own start is not measured
			mark := s.now()
			holder := s.works(mark).from
			mark = s.now()
			asked := time.Now()
			holder.signal(syscall.SIGTERM)
			next := s.works(mark, holder)
			took = append(took, next.at.Sub(asked))
			if code := holder.exit(); code != 0 {
				t.Fatalf("exit code %d, want 0; %s", code, s.recent())
			}
		}
		slices.Sort(took)
		t.Logf("from SIGTERM to the next batch of another process, %d times: min %s, median %s, max %s",
			len(took), took[0], took[len(took)/2], took[len(took)-1])
		if median := took[len(took)/2]; median > term/2 {
			t.Errorf("a hand-over took %s", median)
		}
		s.leave() // a lease that is not given back would be waited for
		s.finish(lease)
	})
}

// handovers is how often it is measured.
func handovers() int { return often(9) }
