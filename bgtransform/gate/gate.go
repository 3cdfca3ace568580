package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Require returns nil if the old side of a transform may go. Else the error is, or
// wraps, a [*Refusal] if pieces of the evidence are missing, and another one if they
// cannot be read, or if nobody knows the name ([Known]). It sends a few small queries, and at most one that looks for a
// pending row, of five seconds at most. It changes nothing.
func Require(ctx context.Context, db *bun.DB, name string, opts ...Option) error {
	return RequireAll(ctx, db, []string{name}, opts...)
}

// RequireAll is [Require] for several transforms. One refusal names what is missing
// of all of them, in their order.
func RequireAll(ctx context.Context, db *bun.DB, names []string, opts ...Option) error {
	c, err := newConfig(names, opts)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	w, err := newWeigher(db, c)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	refusal := &Refusal{}
	for _, name := range names {
		missing, err := w.weigh(ctx, name)
		if err != nil {
			return fmt.Errorf("gate: transform %q: %w", name, err)
		}
		refusal.Missing = append(refusal.Missing, missing...)
	}
	if len(refusal.Missing) > 0 {
		return refusal
	}
	return nil
}

// Check returns [RequireAll] as a readiness check: an instance that does without the
// old side should get no traffic before it may. Each call asks the database; call it
// every few seconds at most.
func Check(db *bun.DB, names []string, opts ...Option) func(ctx context.Context) error {
	return func(ctx context.Context) error { return RequireAll(ctx, db, names, opts...) }
}

// weigher weighs the evidence of one database.
type weigher struct {
	config

	db      *bun.DB
	store   *store.Store
	control *bgtransform.Control
}

func newWeigher(db *bun.DB, c config) (*weigher, error) {
	if db == nil {
		return nil, errors.New("the database is nil")
	}
	st, err := store.New(db)
	if err != nil {
		return nil, err
	}
	control, err := bgtransform.NewControl(db)
	if err != nil {
		return nil, err
	}
	return &weigher{config: c, db: db, store: st, control: control}, nil
}

// patience bounds what one transform takes. A database that does not answer for so
// long is one that cannot be read.
const patience = 20 * time.Second

// weigh returns what is missing of one transform's evidence.
func (w *weigher) weigh(ctx context.Context, name string) ([]Missing, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	st, known, err := w.status(ctx, name)
	if err != nil {
		return nil, err
	}
	if !known {
		if strange, err := w.strange(ctx, name); err != nil || len(strange) > 0 {
			return strange, err
		}
	}
	fresh := !known || st.State == bgtransform.StatePending
	var missing []Missing
	if fresh {
		missing, err = w.fresh(ctx, name, st)
	} else {
		missing, err = w.run(ctx, st)
	}
	if err != nil || w.noColumn {
		return missing, err
	}
	phases, err := w.phases(ctx, st, fresh)
	if err != nil {
		return nil, err
	}
	quiet, err := w.quiet(ctx, name, fresh)
	return slices.Concat(missing, phases, quiet), err
}

// status returns the transform's status; false where this database has none.
func (w *weigher) status(ctx context.Context, name string) (bgtransform.Status, bool, error) {
	all, err := w.control.Status(ctx, name)
	if errors.Is(err, bgtransform.ErrUnknownTransform) {
		return bgtransform.Status{Transform: name, Remaining: -1}, false, w.ours(ctx)
	}
	if err != nil {
		return bgtransform.Status{}, false, err
	}
	return all[0], true, nil
}

// errTables says that nothing can be read from tables that are not like ours.
var errTables = errors.New("the tables in the database are not those of this version of bgtransform; start this version of the app, or apply store.Migrations")

// ours returns nil where our tables are missing as a whole, or whole.
func (w *weigher) ours(ctx context.Context) error {
	there, whole, err := w.store.Exists(ctx)
	if err == nil && there && !whole {
		return errTables
	}
	return err
}
