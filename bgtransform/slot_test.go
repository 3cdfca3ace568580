package bgtransform

import (
	"context"
	"testing"
	"time"
)

// A slot that is given back is there for one other, however often it is given.
func TestSlot(t *testing.T) {
	t.Parallel()
	pool := make(chan struct{}, 1)
	a, b := &slot{pool: pool}, &slot{pool: pool}
	if first, again := a.take(), a.take(); !first || !again || b.take() {
		t.Fatal("one slot is not taken by one, who may ask again")
	}
	b.give() // it has none
	if b.takeWithin(t.Context(), t.Context(), time.Millisecond) {
		t.Fatal("a slot was given by one who has none")
	}
	a.give()
	a.give()
	if !b.take() || a.take() {
		t.Fatal("a slot that was given back is not there for just one other")
	}
}

// Who waits for a slot has it when it is given back, and no longer waits when it is
// to stop, or has lost its lease.
func TestSlotIsWaitedFor(t *testing.T) {
	t.Parallel()
	pool := make(chan struct{}, 1)
	a, b := &slot{pool: pool}, &slot{pool: pool}
	a.take()
	ended, end := context.WithCancel(t.Context())
	end()
	if b.takeWithin(ended, t.Context(), time.Hour) || b.takeWithin(t.Context(), ended, time.Hour) {
		t.Fatal("it has a slot that is taken")
	}
	go a.give()
	if !b.takeWithin(t.Context(), t.Context(), time.Hour) {
		t.Fatal("it has no slot although one was given back")
	}
}
