package bgtransform

import (
	"context"
	"log/slog"
	"sync/atomic"
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

// observers calls every observer, and drops one that panics.
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

// call calls fn for each observer that has not panicked yet.
func (w *observers) call(fn func(o Observer)) {
	for _, o := range w.each {
		if !o.broken.Load() {
			w.one(o, fn)
		}
	}
}

func (w *observers) one(o *watched, fn func(o Observer)) {
	defer func() {
		if v := recover(); v != nil {
			o.broken.Store(true)
			w.log.Error("bgtransform: an observer panicked and is called no more", "observer", typeName(o.Observer), "type", typeName(v))
		}
	}()
	fn(o.Observer)
}

func (w *observers) batchStart(ctx context.Context, info BatchStartInfo) context.Context {
	w.call(func(o Observer) { ctx = o.BatchStart(ctx, info) })
	return ctx
}

func (w *observers) batchEnd(ctx context.Context, info BatchEndInfo) {
	w.call(func(o Observer) { o.BatchEnd(ctx, info) })
}

// runStart returns the first link that an observer gives.
func (w *observers) runStart(ctx context.Context, info RunStartInfo) (context.Context, string) {
	link := info.Link
	w.call(func(o Observer) {
		r, ok := o.(RunObserver)
		if !ok {
			return
		}
		next, l := r.RunStart(ctx, info)
		ctx = next
		if link == "" {
			link = clip(l, 200)
		}
	})
	return ctx, link
}

func (w *observers) runEnd(ctx context.Context, info RunEndInfo) {
	w.call(func(o Observer) {
		if r, ok := o.(RunObserver); ok {
			r.RunEnd(ctx, info)
		}
	})
}

func (w *observers) leaseChanged(ctx context.Context, info LeaseInfo) {
	w.call(func(o Observer) {
		if l, ok := o.(LeaseObserver); ok {
			l.LeaseChanged(ctx, info)
		}
	})
}

func (w *observers) waiting(ctx context.Context, info WaitInfo) {
	w.call(func(o Observer) {
		if l, ok := o.(WaitObserver); ok {
			l.Waiting(ctx, info)
		}
	})
}
