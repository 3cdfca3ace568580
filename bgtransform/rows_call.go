package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
var errAbandoned = &safeError{class: "hung", text: "user code hung and ignored its context too often; its goroutines, which cannot be stopped, were left behind, and its rows are in quarantine"}

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

// newCaller takes the row timeout from the context that Open was called with.
func newCaller(ctx context.Context) *caller { return &caller{timeout: boundsOf(ctx).row} }

// each calls fn for 0 to n-1, in order within each of the parallel lines, and
// returns what went wrong with each, and how many from 0 on were done: less than
// n, and at least one, when the budget was used up (0: there is none) or too many
// calls hang. It returns an error instead when ctx ends first, which is no row's fault.
func (c *caller) each(ctx context.Context, n, parallel int, budget time.Duration, fn func(ctx context.Context, i int) error) ([]*failure, int, error) {
	defer inCode(ctx)()
	failures := make([]*failure, n)
	var until time.Time
	if budget > 0 {
		until = time.Now().Add(budget)
	}
	parallel = max(1, min(parallel, n))
	nexts, errs := make([]int, parallel), make([]error, parallel)
	var wg sync.WaitGroup
	for p := 1; p < parallel; p++ {
		wg.Go(func() { nexts[p], errs[p] = c.line(ctx, failures, p, parallel, until, fn) })
	}
	nexts[0], errs[0] = c.line(ctx, failures, 0, parallel, until, fn)
	wg.Wait()
	return failures, min(n, slices.Min(nexts)), errors.Join(errs...)
}

// line calls fn for every step-th index from first on, and returns the first
// index that it has not done.
func (c *caller) line(ctx context.Context, failures []*failure, first, step int, until time.Time, fn func(ctx context.Context, i int) error) (int, error) {
	i := first
	for i < len(failures) {
		w := newWorker(ctx, i, step, len(failures), fn)
		w.until = until
		go w.run() // ends with its last row; watched below, and left behind if it hangs
		stopped, why := w.watch(c.timeout)
		for j, f := range w.results {
			failures[j] = f
		}
		if ctx.Err() != nil {
			return i, context.Cause(ctx)
		}
		if stopped < 0 {
			return w.index, nil
		}
		failures[stopped] = why
		i = stopped + step
		if c.abandon(why); c.exhausted() {
			break
		}
	}
	return i, nil
}

// abandon counts a call that hung.
func (c *caller) abandon(why *failure) {
	if !errors.Is(why.err, errRowTimeout) {
		return // its goroutine has ended
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned++
}

// exhausted reports whether too many calls have hung for the attempt to go on.
func (c *caller) exhausted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandoned >= maxAbandoned
}

// safely calls fn and turns a panic, or an exit of the goroutine, into a failure.
func safely(ctx context.Context, i int, fn func(ctx context.Context, i int) error) (f *failure) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			f = &failure{"panic", fmt.Errorf("panic: %v\n%s", v, stack())}
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
