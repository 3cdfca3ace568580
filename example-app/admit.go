package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// refusal is an error of a release that may not be here now. Its text says what to do.
type refusal struct {
	release release
	why     error
}

func (r *refusal) Error() string { return fmt.Sprintf("%s may not start: %s", r.release, r.why) }
func (r *refusal) Unwrap() error { return r.why }

func (r release) refuse(format string, args ...any) error {
	return &refusal{r, fmt.Errorf(format, args...)}
}

// admit returns a *refusal if the release would do harm to the database as it is, or
// to the instances that are alive. An instance asks before it serves anybody: after
// that the pool itself keeps it in a phase that fits.
func (r release) admit(ctx context.Context, db *bun.DB, sched *bgtransform.Scheduler) error {
	names, _ := applied(ctx, db) // an error may just say that there is no schema yet
	if r.number < 4 && slices.Contains(names, dropped) {
		return r.refuse("the column length is dropped, and what it held is gone; only release 4 can serve: deploy that")
	}
	switch err := sched.Admit(ctx); {
	case errors.Is(err, bgtransform.ErrNotAdmitted):
		return r.refuse("%s", strings.TrimPrefix(err.Error(), bgtransform.ErrNotAdmitted.Error()+": "))
	case err != nil:
		return err
	}
	if r.number != 3 {
		return nil
	}
	pool, err := members(ctx, db)
	if err != nil {
		return fmt.Errorf("read who is alive: %w", err)
	}
	if err := r.alone(pool); err != nil {
		return err
	}
	return r.moved(ctx, db)
}

// members returns the pool: nobody, where there is no table of it yet.
func members(ctx context.Context, db *bun.DB) (fleet.Pool, error) {
	registry, err := store.NewFleet(db)
	if err != nil {
		return nil, err
	}
	all, err := registry.Members(ctx)
	if errors.Is(err, bgtransform.ErrUnknownTransform) {
		return nil, nil
	}
	return all, err
}

// alone judges whether the new column can be read alone from the first request on. The
// pool would let release 3 in, and hold it in the phase of the others until then.
func (r release) alone(pool fleet.Pool) error {
	if v := pool.Admit(fleet.Newcomer{Move: moveName, Can: []fleet.Stage{fleet.New}}); !v.OK {
		return r.refuse("%s", v.Why)
	}
	return nil
}

// moved judges whether length_ms can be read alone: whether all rows are moved.
func (r release) moved(ctx context.Context, db *bun.DB) error {
	control, err := bgtransform.NewControl(db)
	if err != nil {
		return err
	}
	all, err := control.Status(ctx, moveName)
	switch {
	case errors.Is(err, bgtransform.ErrUnknownTransform):
		if n, err := (&catalogue{db: db}).last(ctx); err != nil || n == 0 {
			return nil // a new database: there are no old rows
		}
		return r.refuse("%s has never run, so old rows have no length_ms; deploy release 2, and wait until it is complete", moveName)
	case err != nil:
		return err
	case all[0].State != bgtransform.StateComplete:
		return r.refuse("%s is %s, so rows without length_ms, or with one that is out of date, are left; wait until it is complete, or run: example-app transforms finish %s",
			moveName, all[0].State, moveName)
	}
	return nil
}
