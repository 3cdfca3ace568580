package lease

import (
	"math/rand/v2"
	"time"
)

const (
	// DefaultTTL is the TTL of a [Keeper] that sets none. It bounds how long a
	// killed holder keeps the others waiting, and leaves room for three renewals
	// before an unreachable server costs the lease.
	DefaultTTL = 15 * time.Second

	// MinTTL is the shortest TTL a [Keeper] accepts: below it, the pauses of a
	// garbage collector and of a busy machine cost leases.
	MinTTL = 100 * time.Millisecond

	// maxRelease bounds the wait for a release: an application that shuts down
	// while Redis hangs loses this long and no more.
	maxRelease = 2 * time.Second

	// maxPatience bounds the wait for an acquire whose context has ended. A client
	// that listens to its context answers well within it.
	maxPatience = 250 * time.Millisecond
)

// pace derives every duration of a keeper from the lease's TTL.
type pace time.Duration

// trust is how long after sending a successful request the lease is relied on.
// The margin of a fifth covers clocks that run at different speeds, and the time
// the holder needs to stop.
func (p pace) trust() time.Duration { return time.Duration(p - p/5) }

// renew is the time from one successful request to the next renewal.
func (p pace) renew() time.Duration { return jitter(time.Duration(p / 3)) }

// retry is the pause after a failed renewal.
func (p pace) retry() time.Duration { return jitter(time.Duration(p / 10)) }

// acquireTimeout leaves more than half of the trusted time to an acquire that
// was answered in the last moment.
func (p pace) acquireTimeout() time.Duration { return time.Duration(p / 3) }

// renewTimeout lets a second renewal be sent, and answered as slowly, before the
// trust deadline if the first one hangs.
func (p pace) renewTimeout() time.Duration { return time.Duration(p / 5) }

// releaseTimeout bounds how long a hanging release delays the keeper's return.
func (p pace) releaseTimeout() time.Duration { return min(time.Duration(p/3), maxRelease) }

// patience is how long an acquire may outlive its context.
func (p pace) patience() time.Duration { return min(time.Duration(p/10), maxPatience) }

// jitter returns d less up to a tenth, so that instances that started together
// drift apart and none ever waits longer than d.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) }
