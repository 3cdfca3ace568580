package bgtransform

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Observers joins several observers into one. Each is told of everything it
// implements, in the order given; nil ones are left out.
func Observers(list ...Observer) Observer {
	var kept joined
	for _, o := range list {
		if o != nil {
			kept = append(kept, o)
		}
	}
	return kept
}

// joined is told of batches as one; what else its members implement is found
// by [newObservers], which takes it apart.
type joined []Observer

func (j joined) BatchStart(ctx context.Context, info BatchStartInfo) context.Context {
	for _, o := range j {
		ctx = o.BatchStart(ctx, info)
	}
	return ctx
}

func (j joined) BatchEnd(ctx context.Context, info BatchEndInfo) {
	for _, o := range j {
		o.BatchEnd(ctx, info)
	}
}

// observers calls every observer, and drops one that panics or hangs.
type observers struct {
	log  *slog.Logger
	each []*watched
}

type watched struct {
	Observer
	broken atomic.Bool
}

func newObservers(log *slog.Logger, o Observer) *observers {
	w := &observers{log: log}
	w.add(o)
	return w
}

func (w *observers) add(o Observer) {
	switch o := o.(type) {
	case nil:
	case joined:
		for _, one := range o {
			w.add(one)
		}
	default:
		w.each = append(w.each, &watched{Observer: o})
	}
}

// call asks each observer that has not failed yet, with the context that the
// one before it returned, and returns the last.
func (w *observers) call(ctx context.Context, fn func(ctx context.Context, o Observer) context.Context) context.Context {
	for _, o := range w.each {
		if !o.broken.Load() {
			ctx = w.one(ctx, o, fn)
		}
	}
	return ctx
}

// patience is how long an observer may take. One that hangs is left behind.
const patience = 5 * time.Second

func (w *observers) one(ctx context.Context, o *watched, fn func(ctx context.Context, o Observer) context.Context) context.Context {
	done := make(chan context.Context, 1)
	go func() { // ends when the observer returns
		next := ctx
		defer func() {
			if v := recover(); v != nil {
				w.drop(o, "panicked with "+typeName(v))
			}
			done <- next
		}()
		if got := fn(ctx, o.Observer); got != nil {
			next = got
		}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case next := <-done:
		return next
	case <-timer.C:
		w.drop(o, "did not return")
		return ctx
	}
}

func (w *observers) drop(o *watched, why string) {
	o.broken.Store(true)
	w.log.Error("bgtransform: an observer failed and is called no more", "observer", typeName(o.Observer), "why", why)
}

func (w *observers) batchStart(ctx context.Context, info BatchStartInfo) context.Context {
	return w.call(ctx, func(ctx context.Context, o Observer) context.Context { return o.BatchStart(ctx, info) })
}

func (w *observers) batchEnd(ctx context.Context, info BatchEndInfo) {
	w.call(ctx, func(ctx context.Context, o Observer) context.Context {
		o.BatchEnd(ctx, info)
		return nil
	})
}

// runStart returns the first link that an observer gives.
func (w *observers) runStart(ctx context.Context, info RunStartInfo) (context.Context, string) {
	links := make(chan string, len(w.each)+1)
	ctx = w.call(ctx, func(ctx context.Context, o Observer) context.Context {
		r, ok := o.(RunObserver)
		if !ok {
			return nil
		}
		next, link := r.RunStart(ctx, info)
		if link != "" {
			links <- clip(link, 200)
		}
		return next
	})
	if info.Link != "" {
		return ctx, info.Link
	}
	select {
	case link := <-links:
		return ctx, link
	default:
		return ctx, ""
	}
}

func (w *observers) runEnd(ctx context.Context, info RunEndInfo) {
	w.call(ctx, func(ctx context.Context, o Observer) context.Context {
		if r, ok := o.(RunObserver); ok {
			r.RunEnd(ctx, info)
		}
		return nil
	})
}

func (w *observers) leaseChanged(ctx context.Context, info LeaseInfo) {
	w.call(ctx, func(ctx context.Context, o Observer) context.Context {
		if l, ok := o.(LeaseObserver); ok {
			l.LeaseChanged(ctx, info)
		}
		return nil
	})
}

func (w *observers) waiting(ctx context.Context, info WaitInfo) {
	w.call(ctx, func(ctx context.Context, o Observer) context.Context {
		if l, ok := o.(WaitObserver); ok {
			l.Waiting(ctx, info)
		}
		return nil
	})
}

func (w *observers) stuck(ctx context.Context, info StuckInfo) {
	w.call(ctx, func(ctx context.Context, o Observer) context.Context {
		if l, ok := o.(StuckObserver); ok {
			l.Stuck(ctx, info)
		}
		return nil
	})
}
