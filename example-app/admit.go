package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
func (r release) admit(ctx context.Context, db *bun.DB) error {
	names, _ := applied(ctx, db) // an error may just say that there is no schema yet
	if slices.Contains(names, dropped) {
		if r.number < 4 {
			return r.refuse("the column length is dropped, and what it held is gone; only release 4 can serve: deploy that")
		}
		return nil
	}
	pool, err := members(ctx, db)
	if err != nil {
		return fmt.Errorf("read who is alive: %w", err)
	}
	if err := r.beside(pool); err != nil {
		return err
	}
	if r.number == 3 {
		return r.moved(ctx, db)
	}
	return nil
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

// beside judges the others of the pool, and who was there before.
func (r release) beside(pool fleet.Pool) error {
	if last, ok := pool.Last(moveName, fleet.After); ok && r.number < 3 {
		return r.refuse("release 4 has written length_ms only (%s), so length is out of date; deploy release 3, which does not read it", last)
	}
	for _, s := range pool.Live() {
		stage := s.Stage(moveName)
		if !slices.ContainsFunc(r.stages, stage.Beside) {
			return r.refuse("%s is alive and in stage %s, and %s; %s", s, stage, clash(r, stage), wayOut(r, stage))
		}
	}
	return nil
}

// clash says what would go wrong beside an instance in a stage.
func clash(r release, other fleet.Stage) string {
	switch {
	case r.number == 1:
		return "would not see what this release writes to length only"
	case other == fleet.After:
		return "writes length_ms only, which this release may not read"
	case r.number == 4:
		return "reads length, which this release does not write"
	case other == fleet.Before:
		return "writes length only, which this release does not read"
	default:
		return "is not in compare yet; only neighbours in old, fallback, compare, new may live side by side"
	}
}

// wayOut says what to do first.
func wayOut(r release, other fleet.Stage) string {
	switch {
	case r.number == 1 && other == fleet.New:
		return "go back one release at a time: deploy release 2 first"
	case r.number == 1 && other == fleet.After, r.number == 2:
		return "go back one release at a time: deploy release 3 first"
	case r.number == 1:
		return "bring it to phase old first: example-app transforms tune " + moveName + " phase=old"
	case other == fleet.Before:
		return "replace it by release 2 first"
	case r.number == 4:
		return "replace it by release 3 first"
	default:
		return "wait until it is in phase compare (example-app transforms says for what it waits), or ask for that: example-app transforms tune " + moveName + " phase=compare"
	}
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
