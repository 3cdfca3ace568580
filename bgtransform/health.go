package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// health are the monitors that a transform heeds: one that all transforms share,
// for Config.Signals, and one of its own, for Options.Signals.
type health []*throttle.Monitor

// healthOf returns the monitors of a transform. Those without signals are left out.
func healthOf(shared *throttle.Monitor, own []throttle.Signal) health {
	var h health
	if shared != nil {
		h = append(h, shared)
	}
	if len(own) > 0 {
		h = append(h, throttle.NewMonitor(own...))
	}
	return h
}

// sharedHealth returns the monitor of Config.Signals; nil if there are none.
func sharedHealth(signals []throttle.Signal) *throttle.Monitor {
	if len(signals) == 0 {
		return nil
	}
	return throttle.NewMonitor(signals...)
}

// checkSignals returns every mistake in signals, those that have a name which is
// taken included.
func checkSignals(signals []throttle.Signal) error {
	var errs []error
	taken := map[string]bool{}
	for _, s := range signals {
		errs = append(errs, s.Validate())
		if taken[s.Name] {
			errs = append(errs, fmt.Errorf("two signals are called %q; give one of them another Name", s.Name))
		}
		taken[s.Name] = true
	}
	return errors.Join(errs...)
}

// watch begins to watch, and returns what is closed once everything was looked at.
func (h health) watch(changed func(throttle.Change)) (ready []<-chan struct{}, release func()) {
	releases := make([]func(), len(h))
	for i, m := range h {
		first, rel := m.Watch(changed)
		ready, releases[i] = append(ready, first), rel
	}
	return ready, func() {
		var all sync.WaitGroup
		for _, release := range releases {
			all.Go(release) // ends within a second or so: reads are left behind after that
		}
		all.Wait()
	}
}

// pressure returns the highest of what the signals ask for.
func (h health) pressure() throttle.Pressure {
	var highest throttle.Pressure
	for _, m := range h {
		if p := m.Pressure(); p.Level > highest.Level {
			highest = p
		}
	}
	return highest
}

// guard returns a context that ends too when a signal is critical.
func (h health) guard(ctx context.Context) (context.Context, context.CancelFunc) {
	cancels := make([]context.CancelFunc, len(h))
	for i, m := range h {
		ctx, cancels[i] = m.Guard(ctx)
	}
	return ctx, func() {
		for _, cancel := range cancels {
			cancel()
		}
	}
}

// watchHealth watches the signals while the attempt works, and waits until each of
// them was looked at: a first batch must not meet a replica that lags already.
func (a *attempt) watchHealth(stop, ctx context.Context) (release func()) {
	ready, release := a.e.health.watch(func(c throttle.Change) {
		a.noteHealth(ctx, c)
		a.e.poke()
	})
	for _, looked := range ready {
		select {
		case <-looked:
		case <-stop.Done():
		case <-ctx.Done():
		}
	}
	return release
}

// endWatch ends what an attempt has begun to watch, and waits for it.
func (e *entry) endWatch() {
	if e.unwatch != nil {
		e.unwatch()
		e.unwatch = nil
	}
}

// noteHealth logs what a signal asks for. It is called by the monitor's goroutines.
func (a *attempt) noteHealth(ctx context.Context, c throttle.Change) {
	level, text := slog.LevelInfo, "bgtransform: a health signal asks for "+c.Level.String()
	switch {
	case !c.Known:
		level, text = slog.LevelWarn, "bgtransform: a health signal cannot be read; its policy asks for "+c.Level.String()
	case c.Level >= throttle.Stop:
		level = slog.LevelWarn
	}
	a.log.Log(ctx, level, text, "signal", c.Signal, "before", c.Was.String(), "reason", c.Reason)
}

// feelHealth hands to the pacer what the signals ask for. Once they ask to stop,
// those who look from outside are to see why at once.
func (a *attempt) feelHealth() {
	p := a.e.health.pressure()
	if p.Level >= throttle.Stop && !a.halted {
		a.beat = a.beat.Add(-a.s.cfg.LeaseTTL)
	}
	a.halted = p.Level >= throttle.Stop
	a.pacer.SetPressure(p)
}

// limited says for a person what limits the speed.
func limited(limit throttle.Limit, why string) string {
	if limit == throttle.Health {
		return clip("throttled: "+why, 200)
	}
	return why
}
