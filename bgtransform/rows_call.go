package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// failure is what user code did wrong with one row.
type failure struct {
	class string
	err   error
}

// errRowTimeout is the cause with which the context of a row's code ends.
var errRowTimeout = errors.New("bgtransform: the row's code took too long")

// errExited is the failure of a row whose code ended its goroutine.
var errExited = errors.New("user code ended its goroutine")

// errAbandoned ends an attempt whose user code hangs too often.
var errAbandoned = &safeError{class: "hung", text: "user code hung and ignored its context; its goroutine, which cannot be stopped, was left behind"}

// maxAbandoned is how many hung calls an attempt puts up with: each costs a
// goroutine that nothing can stop.
const maxAbandoned = 10

// leeway is how long user code may take to notice that its context has ended
// before it is abandoned.
const leeway = time.Second

// caller runs user code: with a timeout for each row, with panics contained,
// and without ever waiting for code that hangs.
type caller struct {
	timeout time.Duration

	mu        sync.Mutex
	abandoned int
}

// rowTimeoutKey carries the row timeout from the runner to the stepper.
type rowTimeoutKey struct{}

func withRowTimeout(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, rowTimeoutKey{}, d)
}

// newCaller takes the row timeout from the context that Open was called with.
func newCaller(ctx context.Context) *caller {
	timeout, ok := ctx.Value(rowTimeoutKey{}).(time.Duration)
	if !ok {
		timeout = Config{}.withDefaults().RowTimeout
	}
	return &caller{timeout: timeout}
}

// each calls fn for 0 to n-1, in order within each of the parallel lines, and
// returns what went wrong with each. It returns an error instead when ctx ends
// first, which is no row's fault, or when too many calls hang.
func (c *caller) each(ctx context.Context, n, parallel int, fn func(ctx context.Context, i int) error) ([]*failure, error) {
	failures := make([]*failure, n)
	if parallel == 1 || n < 2 {
		return failures, c.line(ctx, failures, 0, 1, fn)
	}
	parallel = min(parallel, n)
	errs := make([]error, parallel)
	var wg sync.WaitGroup
	for p := range parallel {
		wg.Go(func() { errs[p] = c.line(ctx, failures, p, parallel, fn) })
	}
	wg.Wait()
	return failures, errors.Join(errs...)
}

// line calls fn for every step-th index from first on.
func (c *caller) line(ctx context.Context, failures []*failure, first, step int, fn func(ctx context.Context, i int) error) error {
	for i := first; i < len(failures); {
		w := newWorker(ctx, i, step, len(failures), fn)
		go w.run() // ends with its last row; watched below, and left behind if it hangs
		stopped, why := w.watch(c.timeout)
		for j, f := range w.results {
			failures[j] = f
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if stopped < 0 {
			return nil
		}
		failures[stopped] = why
		if err := c.abandon(why); err != nil {
			return err
		}
		i = stopped + step
	}
	return nil
}

// abandon counts a call that hung.
func (c *caller) abandon(why *failure) error {
	if !errors.Is(why.err, errRowTimeout) {
		return nil // its goroutine has ended
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned++
	if c.abandoned >= maxAbandoned {
		return errAbandoned
	}
	return nil
}

// safely calls fn and turns a panic, or an exit of the goroutine, into a failure.
func safely(ctx context.Context, i int, fn func(ctx context.Context, i int) error) (f *failure) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			f = &failure{"panic", fmt.Errorf("panic: %v\n%s", v, debug.Stack())}
		}
	}()
	err := fn(ctx, i)
	returned = true
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errRowTimeout):
		return &failure{"timeout", err}
	default:
		return &failure{errorClass(err), err}
	}
}

// errorClass names a kind of error without its text, which may quote values:
// the type of the outermost error that is not just a wrapper of fmt.
func errorClass(err error) string {
	for {
		class := fmt.Sprintf("%T", err)
		switch class {
		case "*errors.errorString", "*errors.joinError", "*fmt.wrapErrors":
			return "error"
		case "*fmt.wrapError":
			if err = errors.Unwrap(err); err == nil {
				return "error"
			}
		default:
			return class
		}
	}
}
