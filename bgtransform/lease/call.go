package lease

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// errAbandoned says that a Locker did not return in time and was left alone.
var errAbandoned = errors.New("no answer in time")

// call is one bounded request to a Locker.
type call struct {
	do       func(context.Context) error
	timeout  time.Duration
	patience time.Duration // how long do may outlive its context; 0 = not at all
	late     func(error)   // gets the result of an abandoned do; nil = ignored
}

// run returns what do returns, or errAbandoned when do outlives its context by
// more than the patience. Its goroutine belongs to the call to do: it ends when
// do does (and late, if abandoned), and nobody waits for it after run returned.
func (c call) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	result, gone := make(chan error), make(chan struct{})
	go func() {
		defer cancel()
		err := protect(ctx, c.do)
		select {
		case result <- err:
		case <-gone:
			c.afterwards(err)
		}
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(c.patience)
	defer patience.Stop()
	select {
	case err := <-result:
		return err
	case <-patience.C:
		close(gone)
		return fmt.Errorf("%w: %w", errAbandoned, ctx.Err())
	}
}

func (c call) afterwards(err error) {
	if c.late != nil {
		c.late(err)
	}
}

// protect turns a panic of a Locker into an error: a broken client must not take
// the application down.
func protect(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("locker panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return do(ctx)
}
