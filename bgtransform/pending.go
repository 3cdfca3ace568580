package bgtransform

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// PendingTeller is an optional extension of [Transform]: it tells by the data alone
// whether a row is pending, for an installation in which it has never run. [Rows] and
// [SQL] have it.
type PendingTeller interface {
	// AnyPending reports whether there is a row that is pending, with one query for one
	// row at most. It takes five seconds at most: [ErrPendingUntold] means that it was
	// not known by then.
	AnyPending(ctx context.Context, db *bun.DB) (bool, error)
}

var (
	_ PendingTeller = Rows[struct{}]{}
	_ PendingTeller = SQL[struct{}]{}
)

// ErrPendingUntold is returned by a [PendingTeller] that has no answer in time, for a
// large table without an index that finds its pending rows.
var ErrPendingUntold = errors.New("whether a row is pending was not known in time")

const (
	// lookFor bounds the look at the data. Somebody waits for it, who can run the
	// transform instead.
	lookFor = 5 * time.Second
	// lookLock bounds its wait for a table that is being altered.
	lookLock = 2 * time.Second
)

// AnyPending implements [PendingTeller]. With Processed and without a Pending any row
// may be pending, because the rows do not show it.
func (r Rows[M]) AnyPending(ctx context.Context, db *bun.DB) (bool, error) {
	return anyPending(ctx, db, reflect.TypeFor[M](), r.Watermark, func(t *table) string { return r.pending(db, t) })
}

// AnyPending implements [PendingTeller].
func (s SQL[M]) AnyPending(ctx context.Context, db *bun.DB) (bool, error) {
	return anyPending(ctx, db, reflect.TypeFor[M](), s.Watermark, func(t *table) string {
		return pendingIn(db, t, s.Pending, s.PendingArgs, s.Watermark)
	})
}

func anyPending(ctx context.Context, db *bun.DB, model reflect.Type, mark Watermark, pending func(*table) string) (found bool, err error) {
	t, err := tableOf(db, model)
	if err == nil {
		err = mark.check(t)
	}
	if err != nil {
		return false, err
	}
	within := lookFor
	if t.d.Remote {
		within *= 2 // the server ends it; one that is silent is another matter
	}
	asked, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = t.d.Read(asked, db, dialect.Limits{Statement: lookFor, Lock: lookLock}, func(ctx context.Context, q dialect.Querier) error {
		var one int
		err := q.QueryRowContext(ctx, "SELECT 1 FROM "+t.from+" WHERE ("+pending(t)+") LIMIT 1").Scan(&one)
		found = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err == nil {
		return found, nil
	}
	ended := asked.Err() != nil
	if ctx.Err() == nil && t.d.Classify(err) == dialect.Timeout && ended != t.d.Remote {
		return false, ErrPendingUntold
	}
	return false, fmt.Errorf("look for a pending row in table %q: %w", t.Name, err)
}
