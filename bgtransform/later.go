package bgtransform

import (
	"errors"
	"fmt"
	"time"
)

// Later is for user code that cannot do a row now for a reason that is not the
// row's, such as a service that is down: returned from Each or Batch of [Rows],
// or from a custom kind, it puts nothing into quarantine. The batch is tried
// again after wait (at least a second, at most an hour). err says why; its text
// is not shown, because it may quote a row.
func Later(wait time.Duration, err error) error {
	return &laterError{min(max(wait, time.Second), time.Hour), err}
}

type laterError struct {
	wait time.Duration
	err  error
}

func (e *laterError) Error() string { return fmt.Sprintf("later: %v", e.err) }

func (e *laterError) Unwrap() error { return e.err }

// laterOf returns the longest wait that user code asked for, and whether it did.
func laterOf(failures []*failure) (*laterError, bool) {
	var longest *laterError
	for _, f := range failures {
		if f == nil {
			continue
		}
		if l, ok := errors.AsType[*laterError](f.err); ok && (longest == nil || l.wait > longest.wait) {
			longest = l
		}
	}
	return longest, longest != nil
}
