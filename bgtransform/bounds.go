package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// bounds are what an attempt allows the code and the statements of a transform.
type bounds struct {
	row       time.Duration // user code, for one row
	statement time.Duration // one statement, on the server
	lock      time.Duration // the wait for a lock, on the server
}

// boundsKey carries the bounds from the runner to the stepper.
type boundsKey struct{}

func withBounds(ctx context.Context, b bounds) context.Context {
	return context.WithValue(ctx, boundsKey{}, b)
}

// boundsOf returns the bounds that a transform is opened under. A stepper that
// is opened by other code than the runner gets the defaults.
func boundsOf(ctx context.Context) bounds {
	if b, ok := ctx.Value(boundsKey{}).(bounds); ok {
		return b
	}
	return Config{}.withDefaults().bounds()
}

func (c Config) bounds() bounds {
	return bounds{row: c.RowTimeout, statement: c.StatementTimeout, lock: c.LockTimeout}
}

// storeBounds are those of the attempts. The server ends a transaction that has
// waited for its holder for as long as the lease lasts: until then, a holder that
// froze in it keeps the row that the next attempt needs to raise the fence.
func (c Config) storeBounds() store.Bounds {
	return store.Bounds{Statement: c.StatementTimeout, Lock: c.LockTimeout, Idle: max(c.LeaseTTL, minIdle)}
}

// minIdle is for leases that are shorter than the pauses of a busy machine.
const minIdle = time.Second

// limits returns the bounds of a statement.
func (b bounds) limits() dialect.Limits {
	return dialect.Limits{Statement: b.statement, Lock: b.lock}
}

func limitsOf(ctx context.Context) dialect.Limits { return boundsOf(ctx).limits() }
