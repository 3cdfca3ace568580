package bgtransform

import (
	"context"
	"errors"
	"sync"
	"time"
)

// unanswered is how many times, one after the other, the database is asked whether
// it is there, each time for a third of the lease's ttl, before it counts as silent.
const unanswered = 3

// vigil ends the returned context with the cause errSilent when the database
// answers nothing any more, however long the statement under way may still take.
// While an attempt waits for such an answer the lease is renewed, so an instance
// that could reach the database would wait too.
//
// The question goes out on a connection of its own: a statement that takes long is
// no silence. No question is asked while the app's pool has no connection left,
// for then nobody could tell one from the other. The caller must call release,
// which waits for the vigil to end.
func (s *Scheduler) vigil(ctx context.Context) (_ context.Context, release func()) {
	if !s.d.Remote {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var asking sync.WaitGroup
	asking.Go(func() { // ends with ctx
		if s.fallsSilent(ctx, s.cfg.LeaseTTL) {
			cancel(errSilent)
		}
	})
	return ctx, func() {
		cancel(nil)
		asking.Wait()
	}
}

// fallsSilent asks until the database is silent, then it returns true, or until ctx
// ends.
func (s *Scheduler) fallsSilent(ctx context.Context, ttl time.Duration) bool {
	every := time.NewTicker(askEvery(ttl))
	defer every.Stop()
	for missed := 0; missed < unanswered; {
		if missed == 0 { // else it has been asked for as long as that
			select {
			case <-ctx.Done():
				return false
			case <-every.C:
			}
		}
		if s.answers(ctx, askEvery(ttl)) {
			missed = 0
		} else {
			missed++
		}
	}
	return ctx.Err() == nil
}

// askEvery is how often the database is asked, and how long it has for an answer.
func askEvery(ttl time.Duration) time.Duration { return max(ttl, minIdle) / unanswered }

// answers asks the database once. A refusal is an answer: whatever it is about,
// the statement under way will hear of it too.
func (s *Scheduler) answers(ctx context.Context, within time.Duration) bool {
	if s.exhausted() {
		return true
	}
	asked, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := s.db.PingContext(asked)
	// The pool may have run out meanwhile, and the question never been sent.
	return err == nil || !errors.Is(asked.Err(), context.DeadlineExceeded) || s.exhausted()
}

// exhausted reports whether the app's pool has no connection left to ask on.
func (s *Scheduler) exhausted() bool {
	stats := s.db.Stats()
	return stats.MaxOpenConnections > 0 && stats.InUse >= stats.MaxOpenConnections
}
