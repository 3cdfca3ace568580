package lease

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrHeld says that another term holds the lease. Errors that are ErrHeld are
	// usually a [*HeldError], which knows the holder.
	ErrHeld = errors.New("lease held")

	// ErrLost says that a term does not, or not certainly, hold the lease any
	// more. It is the cause of the context that [Keeper.Do] cancels.
	ErrLost = errors.New("lease lost")
)

// HeldError tells who holds a lease that could not be acquired. It is [ErrHeld].
type HeldError struct {
	// Name is the lease's name.
	Name string

	// Holder is the instance that holds it; empty when unknown.
	Holder string

	// Remaining is the time after which the lease is free unless it is renewed;
	// 0 when unknown.
	Remaining time.Duration
}

// Error names the lease, its holder and the remaining time.
func (e *HeldError) Error() string {
	msg := fmt.Sprintf("lease %q is held", e.Name)
	if e.Holder != "" {
		msg += fmt.Sprintf(" by %q", e.Holder)
	}
	if e.Remaining > 0 {
		msg += fmt.Sprintf(", free in %s unless renewed", e.Remaining)
	}
	return msg
}

// Is reports whether target is [ErrHeld].
func (e *HeldError) Is(target error) bool { return target == ErrHeld }
