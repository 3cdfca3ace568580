package faulttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// TestI1FrozenHolder freezes the holder at all kinds of moments, also in the middle
// of a transaction that has the fence's row locked, until another one works; then
// it wakes, writes nothing under its attempt, and takes its turn later.
func TestI1FrozenHolder(t *testing.T) {
	t.Parallel()
	eachLease(t, func(t *testing.T, db *database, lease func(*order)) {
		t.Helper()
		seed(t, db, plenty)
		s := newStage(t, db)
		a, b := s.start(lease), s.start(lease)
		for _, at := range []string{atBatch, atFence, atCounts, atCounts + " commit", atCounts + " committed", atTime} {
			more(t, db)
			froze := freeze(t, s, at, a, b)
			mark := s.now()
			froze.thaw()
			s.says(mark, froze, "waits") // it has noticed, and stands by
		}
		// Both of them are of use afterwards.
		mark := s.now()
		more(t, db)
		holder := s.works(mark).from
		holder.kill()
		s.works(s.now(), holder)
		s.finish(lease)
	})
}

// freeze freezes the holder of two and waits until the other one works. It returns
// the frozen one, and fails the test if that has written under a newer attempt.
func freeze(t *testing.T, s *stage, at string, a, b *process) (froze *process) {
	t.Helper()
	holder := s.works(s.now()).from
	mark := s.now()
	holder.trap("freeze", 3, at)
	s.says(mark, holder, "strikes")
	began := time.Now()
	next := s.works(s.now(), holder)
	t.Logf("frozen at %q: %s until the next batch of another process", at, next.at.Sub(began))
	for _, p := range []*process{a, b} {
		if p != holder {
			wasHeld(t, s.db, p)
		}
	}
	return holder
}

// wasHeld fails the test unless the status names a process as the holder.
func wasHeld(t *testing.T, db *database, p *process) {
	t.Helper()
	outside(t, db, fmt.Sprintf("held by %s", p.order.Name), func(st bgtransform.Status) bool {
		return st.Holder == p.order.Name || st.State == bgtransform.StateComplete
	})
}
