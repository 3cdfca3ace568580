package bgtransform

import (
	"context"
	"fmt"
	"time"
)

// slot is one transform's right to work, of which an instance has as many to give as
// it runs transforms at a time. It belongs to the entry's loop, and is used by it
// only: a round takes it for its attempt, and the attempt may give it back while it
// does nothing but wait.
type slot struct {
	pool  chan struct{} // holds one element for each that is taken
	taken bool
}

// take reports whether the slot is taken now.
func (s *slot) take() bool {
	if s.taken {
		return true
	}
	select {
	case s.pool <- struct{}{}:
		s.taken = true
	default:
	}
	return s.taken
}

// takeWithin is take with some patience, unless one of the contexts ends.
func (s *slot) takeWithin(stop, ctx context.Context, d time.Duration) bool {
	if s.take() {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case s.pool <- struct{}{}:
		s.taken = true
	case <-stop.Done():
	case <-ctx.Done():
	case <-timer.C:
	}
	return s.taken
}

// give makes room for another transform. To give what is not taken does nothing.
func (s *slot) give() {
	if s.taken {
		s.taken = false
		<-s.pool
	}
}

// slotPatience is how long an attempt that has given its slot away waits for one
// before it goes on. Transforms that only ask for their lease have one for moments.
const slotPatience = 2 * time.Second

// slotPoll is about how often a transform looks for a slot.
const slotPoll = time.Second

// backToWork takes a slot again, if the attempt has given it away. While there is
// none the lease is of more use to an instance that has one.
func (a *attempt) backToWork(stop, ctx context.Context) (ending, bool) {
	if a.e.slot.takeWithin(stop, ctx, slotPatience) {
		return ending{}, true
	}
	if end, over := a.interrupted(stop, ctx); over {
		return end, false
	}
	return ending{state: StateWaiting, wait: slotPoll, reason: Reason{
		Code: ReasonSlot, Text: fmt.Sprintf("its instance %s runs %d at a time, and does; the next attempt begins when one has ended, or on another instance", a.s.cfg.Instance, a.s.cfg.Concurrency),
	}}, false
}
