package bgtransform

import (
	"context"
	"sync"
	"time"
)

// worker runs user code for a line of rows in a goroutine of its own, so that
// whoever watches it can leave it behind when it hangs. Until it is left, only
// the worker writes results; afterwards nobody but the watcher reads them.
type worker struct {
	fn               func(ctx context.Context, i int) error
	parent           context.Context
	first, step, end int

	until time.Time // no row but the first is begun after it; zero: no limit

	mu      sync.Mutex
	left    bool
	index   int       // the row under way
	since   time.Time // when it began
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timedAt int  // the row whose context was cancelled for its timeout; -1: none
	ended   bool // run came to its end; false when user code ended the goroutine (runtime.Goexit)
	results map[int]*failure

	done chan struct{} // closed when run returns
}

func newWorker(parent context.Context, first, step, end int, fn func(ctx context.Context, i int) error) *worker {
	w := &worker{
		fn: fn, parent: parent, first: first, step: step, end: end, timedAt: -1,
		results: map[int]*failure{}, done: make(chan struct{}),
	}
	w.index, w.since = first, time.Now()
	w.ctx, w.cancel = context.WithCancelCause(parent)
	return w
}

// run is the worker's goroutine. It ends after the last row, when the parent
// context ends, or, if it was left, as soon as user code returns.
func (w *worker) run() {
	defer close(w.done)
	i := w.first
	ctx, ok := w.begin()
	for ok {
		ctx, ok = w.next(safely(ctx, i, w.fn))
		i += w.step
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

// begin returns the context of the first row, which is tried however little time
// there is.
func (w *worker) begin() (context.Context, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
	return w.context()
}

// next ends the row under way and returns the context of the one after it, if
// there is one to begin.
func (w *worker) next(f *failure) (context.Context, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left {
		return nil, false
	}
	// What fails while the batch is being cancelled is not the row's fault.
	if f != nil && w.parent.Err() == nil {
		w.results[w.index] = f
	}
	w.index, w.since = w.index+w.step, time.Now() // the only look at the clock for a row
	if w.index >= w.end || (!w.until.IsZero() && w.since.After(w.until)) {
		return nil, false
	}
	return w.context()
}

// context returns the context of a row. Rows share one until a timeout uses it
// up, so that a row costs no timer.
func (w *worker) context() (context.Context, bool) {
	if w.left || w.parent.Err() != nil {
		return nil, false
	}
	if w.timedAt >= 0 {
		w.ctx, w.cancel = context.WithCancelCause(w.parent)
		w.timedAt = -1
	}
	return w.ctx, true
}

// watch waits for the worker, ends the context of a row that takes longer than
// timeout, and leaves the worker when that does not help either. It returns
// the row that stopped the line and why, or -1 when nothing did.
func (w *worker) watch(timeout time.Duration) (int, *failure) {
	defer w.leave()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case <-w.done:
			return w.exit()
		case <-w.parent.Done():
			w.await()
			return -1, nil
		case <-timer.C:
			again, hung := w.check(timeout)
			if hung >= 0 {
				return hung, &failure{"timeout", errRowTimeout}
			}
			timer.Reset(again)
		}
	}
}

// exit returns the row whose code ended the worker's goroutine, if one did.
func (w *worker) exit() (int, *failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return -1, nil
	}
	return w.index, &failure{"exit", errExited}
}

// await gives user code the leeway to notice that the batch was cancelled.
func (w *worker) await() {
	timer := time.NewTimer(leeway)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
	}
}

// check looks at the row under way: it ends its context after the timeout, and
// leaves the worker after the leeway on top. It returns the row that it hung
// at, or -1 and when to look again.
func (w *worker) check(timeout time.Duration) (again time.Duration, hung int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	took := time.Since(w.since)
	switch {
	case w.index >= w.end: // the last row is done; the worker is about to end
		return timeout, -1
	case took >= timeout+leeway:
		w.left = true // now, or the row might still end and the next one be blamed
		return 0, w.index
	case took >= timeout:
		if w.timedAt < 0 {
			w.timedAt = w.index
			w.cancel(errRowTimeout)
		}
		return timeout + leeway - took, -1
	default:
		return timeout - took, -1
	}
}

// leave takes from the worker the right to write results. It may be called again.
func (w *worker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = true
	w.cancel(context.Canceled)
}
