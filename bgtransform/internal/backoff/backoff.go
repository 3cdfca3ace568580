// Package backoff spaces out tries: exponentially, capped, with jitter, so
// that instances that failed together do not try again together.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff doubles from Min to Max. Its zero value waits for nothing.
type Backoff struct {
	Min, Max time.Duration
	tries    int
}

// Next returns how long to wait before the next try: between half and all of
// the current step.
func (b *Backoff) Next() time.Duration {
	step := b.Max
	if b.tries < 63 && b.Min <= b.Max>>b.tries {
		step = b.Min << b.tries
	}
	b.tries++
	return Jitter(step)
}

// Tries returns how often Next was called since the last Reset.
func (b *Backoff) Tries() int { return b.tries }

// Reset starts again at Min.
func (b *Backoff) Reset() { b.tries = 0 }

// Jitter returns a random duration between half of d and d.
func Jitter(d time.Duration) time.Duration {
	if d <= 1 {
		return d
	}
	return d/2 + rand.N(d/2+1)
}

// Sleep waits for d or until ctx ends, and returns the cause if it ended.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
