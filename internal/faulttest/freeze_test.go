package faulttest

import (
	"math/rand/v2"
	"testing"
	"time"
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
		s.start(lease)
		s.start(lease)
		for _, at := range []string{atBatch, atFence, atFence + " commit", atFence + " committed", atTime} {
			more(t, db)
			froze := freeze(t, s, at)
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

// freeze freezes whoever holds the lease and waits until another one works. It
// returns the frozen one.
func freeze(t *testing.T, s *stage, at string) (froze *process) {
	t.Helper()
	froze = s.strike("freeze", 1+rand.N(4), at)
	began := time.Now()
	next := s.works(s.now(), froze)
	t.Logf("frozen at %q: %s until the next batch of another process", at, next.at.Sub(began))
	return froze
}
