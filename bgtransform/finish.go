package bgtransform

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/near"
)

// FinishOptions say how a transform is finished in the foreground.
type FinishOptions struct {
	// Progress is called with the transform's status about once a second, by the goroutine
	// that called Finish, whichever instance is at work. Nil means nobody is told.
	Progress func(Status)

	// By is kept in the operators' log. Who defaults to the name of this instance.
	By By
}

// UnfinishedError says why [Scheduler.Finish] came to no end.
type UnfinishedError struct {
	Transform string
	Reason    Reason // what keeps it from its end
	Err       error  // the cause with which the caller's context ended; nil if it has not
}

// Error implements error.
func (e *UnfinishedError) Error() string {
	text := fmt.Sprintf("bgtransform: transform %q is not finished: %s", e.Transform, e.Reason.Text)
	if e.Err != nil {
		text = fmt.Sprintf("bgtransform: transform %q is not finished: %s", e.Transform, e.Err)
		if e.Reason.Text != "" {
			text += " (" + e.Reason.Text + ")"
		}
	}
	return text
}

// Unwrap returns Err.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// Finish runs what is left of a registered transform now, in the foreground, and returns
// nil once it is complete: for small installations, deploy scripts and tests. It heeds
// neither window nor duty nor rows per second, nor how many rows a batch should change; all else is as with [Scheduler.Run], which
// may run beside it or not: the lease, the fence, the quarantine, health signals, and what
// the pool and operators want. It announces this process to the pool as Run does, and
// waits where the pool is not ready: one in which nobody was there before is so after
// Config.FleetRules.MinAge.
//
// Whoever holds the transform hands it over between two batches. A second caller, in
// this process or another, follows what the first one does, and goes on where that one
// ends early, be it killed. A later call goes on where an earlier one was.
//
// Everything that only a human can change is a [*UnfinishedError]: a transform that is
// paused (by whom), cancelled, failed, reverted, contracted or disabled, that waits for
// another one or for a column, or whose quarantine blocks completion. So is the end of ctx, after
// which the batch under way may take Config.Grace. A database that cannot be reached at
// the beginning is another error; later it is waited for.
func (s *Scheduler) Finish(ctx context.Context, name string, o FinishOptions) error {
	f, err := s.finishing(ctx, name, o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, over := make(chan error, 1), make(chan struct{})
	go func() { // ends with ctx, or when there is no more to do; Finish waits for it
		defer close(over)
		done <- f.run(ctx)
	}()
	var watching sync.WaitGroup
	watching.Go(func() { s.watchPool(ctx, f.beside) }) // ends with ctx
	defer watching.Wait()
	defer func() { cancel(); <-over }() // also when Progress panics
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			f.tell(ctx)
			return err
		case <-tick.C:
			f.tell(ctx)
		}
	}
}

// finishing checks all that can be known before, and returns what finishes the transform.
func (s *Scheduler) finishing(ctx context.Context, name string, o FinishOptions) (*finisher, error) {
	if err := s.flags.check(s.names()); err != nil {
		return nil, fmt.Errorf("bgtransform: finish transform %q: nothing runs until the environment flags are right: %w", name, err)
	}
	e := s.foreground(name)
	if e == nil {
		return nil, fmt.Errorf("bgtransform: finish transform %q: %w", name, s.notOurs(name))
	}
	if e.settings.dryRun {
		return nil, &UnfinishedError{Transform: name, Reason: Reason{Code: ReasonDryRun, Text: "a flag asks for a dry run, which writes nothing"}}
	}
	if !s.ready.Load() {
		if err := s.prepareOnce(ctx); err != nil {
			return nil, fmt.Errorf("bgtransform: finish transform %q: make its tables: %w", name, err)
		}
		s.ready.Store(true)
	}
	o.By.Who, o.By.Why = clip(cmp.Or(strings.TrimSpace(o.By.Who), s.cfg.Instance), 200), clip(o.By.Why, 2000)
	return &finisher{s: s, e: e, o: o, beside: append(s.registered(), e)}, nil
}

// notOurs is the error for a transform that this version of the app does not have.
func (s *Scheduler) notOurs(name string) error {
	return fmt.Errorf("%w: it is not registered here, and only a process that has its code can do that; %s", ErrUnknownTransform, near.Hint(name, s.names()))
}

// foreground returns an entry of its own for a registered transform, which leaves that
// of Run alone; nil if there is none of that name.
func (s *Scheduler) foreground(name string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.entries {
		if other.name != name {
			continue
		}
		set := other.settings
		set.now = true
		e := newEntry(other.transform, set, make(chan struct{}, 1), s.health)
		e.finisher, e.pooled, e.column, e.phases = s.newFinisher(), other.pooled, other.column, other.phases
		return e
	}
	return nil
}

// registered returns the entries of the registered transforms; the slice is the caller's.
func (s *Scheduler) registered() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries)
}

// newFinisher returns a name that nobody has had before.
func (s *Scheduler) newFinisher() string {
	return s.cfg.Instance + finisherMark + strings.ToLower(rand.Text()[:8])
}
