package bgtransform

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// discharge takes rows out of the quarantine in the transaction that has transformed
// them, and returns their keys.
func (a *attempt) discharge(ctx context.Context, tx bun.Tx, w written) ([]string, error) {
	left := make([]string, len(w.left))
	for i, q := range w.left {
		left[i] = q.Key
	}
	done := without(w.applied.retried, left)
	return done, a.fence.Discharge(ctx, tx, done)
}

// released makes it the attempt's own view that rows have left the quarantine.
func (a *attempt) released(keys []string) {
	for _, key := range keys {
		delete(a.retried.keys, key)
	}
	a.rec.Held -= int64(len(keys))
}

// recheck discharges rows from quarantine that the app has fixed or deleted
// meanwhile, and returns how many are left. It is called at the end of each pass.
func (a *attempt) recheck(ctx context.Context) (int, error) {
	keys, err := a.s.store.QuarantinedKeys(ctx, a.e.name, maxSkips, store.Held, store.Retrying)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	checker, ok := a.stepper.(Rechecker)
	if !ok {
		return len(keys), nil
	}
	r := recheck{a: a, by: checker, failures: mostRecheckFailures}
	pending, err := r.stillPending(ctx, keys)
	if err != nil {
		return 0, fmt.Errorf("look at the quarantine: %w", err)
	}
	done := without(keys, pending)
	if len(done) == 0 {
		return len(keys), nil
	}
	next := a.rec.Range
	err = a.fence.Tx(ctx, &next, func(ctx context.Context, tx bun.Tx) error { return a.fence.Discharge(ctx, tx, done) })
	if err != nil {
		a.unsure = true
		return 0, err
	}
	a.rec.Range, a.rec.Held = next, int64(len(pending))
	a.log.InfoContext(ctx, "bgtransform: rows left the quarantine", "rows", len(done))
	return len(pending), a.loadSkips(ctx)
}

// mostRecheckFailures bounds how often the pending condition may fail while it is
// looked for the rows that it fails for: it takes some ten tries for each.
const mostRecheckFailures = 1000

// recheck is one look at the rows in quarantine.
type recheck struct {
	a        *attempt
	by       Rechecker
	failures int // that may still come
}

// stillPending returns those of keys that are still pending. A row for which the
// pending condition itself fails is: it is looked for by halves, so that it does
// not keep the others in quarantine.
func (r *recheck) stillPending(ctx context.Context, keys []string) ([]string, error) {
	pending, err := contain(ctx, func() ([]string, error) { return r.by.StillPending(ctx, r.a.s.db, keys) })
	if err == nil {
		return pending, nil
	}
	err = foreign(r.a.stepper, err)
	if r.a.s.classify(err) != dialect.BadRow || isForeign(err) {
		return nil, err
	}
	r.failures--
	if len(keys) == 1 || r.failures < 0 {
		return keys, nil
	}
	half := len(keys) / 2
	pending, err = r.stillPending(ctx, keys[:half:half])
	if err != nil {
		return nil, err
	}
	rest, err := r.stillPending(ctx, keys[half:])
	return append(pending, rest...), err
}
