package bgtransformtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/bgtransform/sidecar/bgtransform"
)

// watch follows an instance from batch to batch, and stops it when it can do
// no more.
type watch struct {
	live func() bool        // false once the instance is being stopped: what follows is of no interest
	at   func(where string) // told what the transform is at
	stop func()             // may be called again

	mu      sync.Mutex
	running bool               // within an attempt
	reason  bgtransform.Reason // why it waited last
	found   int                // rows that were pending, over all batches
	changed int
}

var (
	_ bgtransform.RunObserver  = (*watch)(nil)
	_ bgtransform.WaitObserver = (*watch)(nil)
)

// BatchStart implements [bgtransform.Observer].
func (w *watch) BatchStart(ctx context.Context, info bgtransform.BatchStartInfo) context.Context {
	w.place("in batch %d (pass %d)", info.Batch, info.Pass)
	return ctx
}

// BatchEnd implements [bgtransform.Observer].
func (w *watch) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	w.place("after batch %d (pass %d)", info.Batch, info.Pass)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found += info.Found
	w.changed += info.Changed
}

func (w *watch) place(format string, args ...any) {
	if w.live() {
		w.at(fmt.Sprintf(format, args...))
	}
}

// RunStart implements [bgtransform.RunObserver].
func (w *watch) RunStart(ctx context.Context, _ bgtransform.RunStartInfo) (context.Context, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = true
	return ctx, ""
}

// RunEnd implements [bgtransform.RunObserver]. How the attempt ended is
// written before the scheduler stops.
func (w *watch) RunEnd(context.Context, bgtransform.RunEndInfo) { w.stop() }

// Waiting implements [bgtransform.WaitObserver]. An instance that waits
// although nobody else is there cannot go on; within an attempt it can.
func (w *watch) Waiting(_ context.Context, info bgtransform.WaitInfo) {
	if !w.live() {
		return
	}
	w.mu.Lock()
	w.reason = info.Reason
	stuck := !w.running && !info.Reason.IsZero()
	w.mu.Unlock()
	if stuck {
		w.stop()
	}
}

// work returns how many rows the batches found pending and changed.
func (w *watch) work() (found, changed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.found, w.changed
}

// waited returns why the instance waited last.
func (w *watch) waited() bgtransform.Reason {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}
