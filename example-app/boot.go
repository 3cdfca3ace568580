package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// readiness is whether the catalogue can be used, and why not.
type readiness struct {
	mu  sync.Mutex
	err error
}

func newReadiness() *readiness {
	return &readiness{err: fmt.Errorf("%w: its catalogue is being made ready", errStarting)}
}

// Err returns nil once the catalogue can be used.
func (r *readiness) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *readiness) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// bootRetry is how long boot waits before it tries again.
const bootRetry = 2 * time.Second

// boot migrates and fills the database. The app serves meanwhile: a database
// that cannot be used is tried again until ctx ends, but for -once.
func (a *app) boot(ctx context.Context) error {
	shown, refused := "", (*refusal)(nil)
	for {
		err := a.bootOnce(ctx)
		a.con.Bar("")
		if err == nil {
			a.reopen(ctx)
			return nil
		}
		a.ready.set(err)
		switch {
		case ctx.Err() != nil:
			return nil
		case a.cfg.Once, errors.As(err, &refused):
			return err
		}
		if text := err.Error(); text != shown {
			a.con.Printf("the database is not ready, serving what is possible and trying again: %s", text)
			shown = text
		}
		sleep(ctx, bootRetry)
	}
}

func (a *app) bootOnce(ctx context.Context) error {
	if err := a.catalogue.admit(ctx, a.catalogue.db, a.sched); err != nil {
		return err
	}
	if err := migrate(ctx, a.catalogue.db, a.catalogue.number); err != nil {
		return fmt.Errorf("database %s: %w", a.cfg.Database.name, err)
	}
	switch a.catalogue.number {
	case 1: // so that it can announce itself at once
		if err := store.Create(ctx, a.catalogue.db); err != nil {
			return fmt.Errorf("database %s: %w", a.cfg.Database.name, err)
		}
	case 3:
		return nil
	case 4:
		return a.catalogue.relax(ctx, a.catalogue.db, a.cfg.Quiet, a.log)
	}
	return a.seed(ctx)
}

// seed fills the catalogue with old rows, which releases 1 and 2 may find.
func (a *app) seed(ctx context.Context) error {
	started := time.Now()
	err := seed(ctx, a.catalogue.db, a.cfg.Seeds, func(done, total int64) {
		if done < total {
			a.con.Bar(fmt.Sprintf("seeding  %s of %s tracks", thousands(done), thousands(total)))
			return
		}
		a.con.Bar("")
		a.con.Printf("seeded %s tracks in %s", thousands(total), time.Since(started).Round(10*time.Millisecond))
	})
	if err != nil {
		return fmt.Errorf("database %s: %w", a.cfg.Database.name, err)
	}
	return nil
}

// reopen restarts a transform that was complete before old rows came, from
// -tracks here, from a late import in life.
func (a *app) reopen(ctx context.Context) {
	known, err := a.sched.Control().Status(ctx, moveName)
	if err != nil || known[0].State != bgtransform.StateComplete {
		return // it has never run, or runs anyway
	}
	late := truthOf(ctx, a.catalogue.db, a.catalogue.tally).Remaining
	if late <= 0 {
		return
	}
	a.con.Printf("%s was complete, but %s old tracks have come since: it is restarted", moveName, thousands(late))
	err = a.sched.Control().Restart(ctx, moveName, bgtransform.By{Who: "example-app", Why: "old tracks were added"})
	if err != nil {
		a.con.Printf("%s could not be restarted: %s", moveName, err)
	}
}

// errStarting is why an instance does not serve yet that has found nothing wrong.
var errStarting = errors.New("the app is starting")

// joinWait is how long an instance waits at most to be in the phase that it is to read in.
const joinWait = 10 * time.Second

// join lets requests in once the scheduler, which runs by now, has seen the pool: until
// then reads are a step behind the phase that is asked for, and whoever has just
// saved a length in milliseconds would read it in seconds. It does not wait while the
// others keep this instance in an earlier phase, which may be for hours, nor for a database
// that the scheduler cannot use.
func (a *app) join(ctx context.Context) {
	a.ready.set(fmt.Errorf("%w: it has not seen the others of its pool yet", errStarting))
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	moving := func(st bgtransform.PhaseStatus) bool { return st.Moving }
	for ctx.Err() == nil && slices.ContainsFunc(a.sched.Phases(), moving) {
		if st, ok := look(ctx, a.sched); ok && st.Here.Code == bgtransform.ReasonDatabase {
			break
		}
		sleep(ctx, 20*time.Millisecond)
	}
	a.ready.set(nil)
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
