package lease

import (
	"fmt"
	"time"
)

// EventKind says what happened to a lease.
type EventKind int

const (
	// Acquired says that the term has begun; the function is about to run.
	Acquired EventKind = iota + 1
	// Renewed says that the term was extended.
	Renewed
	// RenewFailed says that a renewal had no certain outcome and is tried again until the
	// trust deadline.
	RenewFailed
	// Lost says that the function's context was cancelled with the cause in Err.
	Lost
	// Released says that the term no longer holds the lease. Err is [ErrLost] if it had
	// ended before the release.
	Released
	// ReleaseFailed says that the release had no certain outcome; the lease is free after
	// its TTL at the latest.
	ReleaseFailed
)

// String returns the kind as a log would name it, such as "renew failed".
func (k EventKind) String() string {
	switch k {
	case Acquired:
		return "acquired"
	case Renewed:
		return "renewed"
	case RenewFailed:
		return "renew failed"
	case Lost:
		return "lost"
	case Released:
		return "released"
	case ReleaseFailed:
		return "release failed"
	default:
		return fmt.Sprintf("event kind %d", int(k))
	}
}

// Event is one step in the life of a lease, for logs and metrics.
type Event struct {
	// Kind says what happened.
	Kind EventKind

	// Name and Holder are those of the claim.
	Name, Holder string

	// Err is what failed. Nil where nothing did.
	Err error

	// TrustedUntil is the trust deadline after this event: until then the holder
	// relies on the lease without hearing from the Locker. Zero once it is lost or
	// the function has returned.
	TrustedUntil time.Time
}
