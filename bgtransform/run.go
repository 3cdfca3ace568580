package bgtransform

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// Run runs the registered transforms until ctx ends, and returns nil once
// everything it started has ended: a batch under way may take Config.Grace
// more, then it is rolled back. Failures of the database, of the lease's
// server, of flags and of transforms never end it; they are logged, shown in
// the status, and tried again. It returns an error only when called twice.
func (s *Scheduler) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.running {
		s.mu.Unlock()
		return errors.New("bgtransform: the scheduler runs already; Run may be called once")
	}
	s.running = true
	entries := s.entries
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.over = true
		s.mu.Unlock()
	}()

	s.announce(ctx)
	work, release := s.graceful(ctx)
	defer release()

	var wg sync.WaitGroup
	wg.Go(func() { s.countReads(ctx, entries) }) // ends with ctx, a second later at the latest
	wg.Go(func() { s.watchPool(ctx, entries) })  // ends with ctx, two seconds later at the latest
	wg.Go(func() { s.watchStuck(ctx, entries) }) // ends with ctx
	if s.usable(entries) {
		wg.Go(func() { s.prepare(ctx, entries) }) // ends with ctx, or when the tables are there
		wg.Go(func() { s.poll(ctx, entries) })    // ends with ctx
		for _, e := range entries {
			wg.Go(func() { s.supervise(ctx, work, e) }) // ends with ctx, after its attempt
		}
	} else {
		wg.Go(func() { s.explainFlags(ctx, entries) }) // ends with ctx, or when everybody can see why
	}
	<-ctx.Done()
	wg.Wait()
	s.unsign(ctx, entries)
	s.cfg.Logger.InfoContext(ctx, "bgtransform: stopped", "instance", s.cfg.Instance)
	return nil
}

// announce logs how this instance will run, and what in it may surprise.
func (s *Scheduler) announce(ctx context.Context) {
	log := s.cfg.Logger
	log.InfoContext(ctx, "bgtransform: started", "instance", s.cfg.Instance, "transforms", s.names(),
		"lease", s.describeLease(), "lease_ttl", s.cfg.LeaseTTL.String(), "window", s.cfg.Window.String())
	if lease.IsLocal(s.cfg.Locker) {
		log.WarnContext(ctx, "bgtransform: the lease is local to this process; other instances on this database are not excluded by it, only fenced off, which keeps the data right but wastes their work")
	}
	for _, name := range s.flags.strangers(s.names()) {
		log.WarnContext(ctx, "bgtransform: flag names a transform that this version of the app does not have", "variable", name)
	}
}

// usable reports whether the flags can be relied on. When they cannot, nothing
// runs: a transform that a mistyped flag was to hold back must not start.
func (s *Scheduler) usable(entries []*entry) bool {
	err := s.flags.check(s.names())
	if err == nil {
		return true
	}
	s.cfg.Logger.Error("bgtransform: nothing runs until the environment flags are right", "error", err)
	s.tellFlags(context.Background(), entries, err)
	return false
}

// explainFlags makes the tables all the same, so that operators can see from
// outside why nothing runs, and write down what they want.
func (s *Scheduler) explainFlags(ctx context.Context, entries []*entry) {
	s.prepare(ctx, entries)
	s.tellFlags(ctx, entries, s.flags.check(s.names()))
}

func (s *Scheduler) tellFlags(ctx context.Context, entries []*entry, err error) {
	for _, e := range entries {
		s.waits(ctx, e, pause{reason: Reason{Code: ReasonFlags, Text: err.Error()}})
	}
}

// graceful returns a context that outlives ctx by the grace at most.
func (s *Scheduler) graceful(ctx context.Context) (context.Context, func()) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // ends with release, or after the grace
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		timer := time.NewTimer(s.cfg.Grace)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			cancel(ErrStopped)
		}
	})
	return work, func() {
		close(done)
		wg.Wait()
		cancel(ErrStopped)
	}
}

// prepare makes the tables and registers our names, however long that takes.
func (s *Scheduler) prepare(ctx context.Context, entries []*entry) {
	retry := backoff.Backoff{Min: 200 * time.Millisecond, Max: 30 * time.Second}
	for {
		err := s.prepareOnce(ctx)
		if err == nil {
			s.ready.Store(true)
			s.pool.wake()
			for _, e := range entries {
				e.poke()
			}
			return
		}
		wait := retry.Next()
		reason := s.databaseReason(err, wait)
		if retry.Tries() == 1 {
			s.cfg.Logger.WarnContext(ctx, "bgtransform: cannot make its tables yet", "reason", reason.Text)
		}
		for _, e := range entries {
			e.update(func(v *view) { v.here = reason })
		}
		if backoff.Sleep(ctx, wait) != nil {
			return
		}
	}
}

// bootTimeout bounds one try to make the tables, and every other small query.
const bootTimeout = 10 * time.Second

func (s *Scheduler) prepareOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	if err := s.store.Create(ctx); err != nil {
		return err
	}
	if err := s.store.Register(ctx, s.names()); err != nil {
		return err
	}
	if err := s.misspelt(ctx); err != nil {
		return err
	}
	return s.meetPool(ctx)
}

// meetPool has this instance announce itself if a transform of others needs the pool.
func (s *Scheduler) meetPool(ctx context.Context) error {
	pooled, err := s.store.Pooled(ctx)
	if err == nil && pooled {
		s.pool.need()
	}
	return err
}

// supervise runs one transform until ctx ends. A panic in it ends nothing but
// the attempt it happened in.
func (s *Scheduler) supervise(ctx, work context.Context, e *entry) {
	first := backoff.Jitter(min(time.Second, 4*s.cfg.StandbyPoll)) // a pool that restarts together spreads out
	if backoff.Sleep(ctx, first) != nil {
		return
	}
	retry := backoff.Backoff{Min: time.Second, Max: time.Minute}
	for ctx.Err() == nil {
		next := s.contained(ctx, work, e, &retry)
		s.waits(ctx, e, next)
		s.rest(ctx, e, next.wait)
	}
}

// waits shows why nothing more can be done now. Observers are told once for as
// long as the reason stays the same. While it waits for an operator, or for a
// window that an operator may change, the poll looks for one.
func (s *Scheduler) waits(ctx context.Context, e *entry, next pause) {
	was := e.look().here
	settled := (next.wait <= 0 || next.reason.Code == ReasonWindow) && next.reason.Code != ReasonDisabled && next.reason.Code != ReasonFlags
	e.update(func(v *view) { v.here, v.settled = next.reason, settled })
	if settled {
		s.pokePoll()
	}
	s.sign(ctx, e, next.reason)
	if next.reason.IsZero() || (was.Code == next.reason.Code && was.Text == next.reason.Text) {
		return
	}
	s.watch.waiting(ctx, WaitInfo{Transform: e.name, Reason: next.reason, For: next.wait})
}

// contained runs one round and turns a panic into a wait.
func (s *Scheduler) contained(ctx, work context.Context, e *entry, retry *backoff.Backoff) (next pause) {
	defer func() {
		if v := recover(); v != nil {
			// The panic's value may quote a row; its type and the stack do not.
			wait := retry.Next()
			s.cfg.Logger.ErrorContext(ctx, "bgtransform: panic", "transform", e.name, "type", typeName(v), "stack", stack())
			next = pause{wait: wait, reason: Reason{
				Code: ReasonBackoff, Text: "backing off after a panic of type " + typeName(v), Until: time.Now().Add(wait),
			}}
		}
	}()
	return s.round(ctx, work, e, retry)
}

// pokePoll makes the poll loop think again about how often to look.
func (s *Scheduler) pokePoll() {
	select {
	case s.polls <- struct{}{}:
	default:
	}
}

// rest waits until it is time to look again. Zero or less means until woken.
func (s *Scheduler) rest(ctx context.Context, e *entry, d time.Duration) {
	var expired <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-ctx.Done():
	case <-e.wakes:
	case <-expired:
	}
}

func (s *Scheduler) logger(e *entry) *slog.Logger { return s.cfg.Logger.With("transform", e.name) }
