package dialect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// endLeeway is how long the end of a transaction may take once its context has
// ended, before it is left behind.
const endLeeway = time.Second

// ended runs fn in tx, commits or rolls back, and calls after, also when fn
// panics. It is for drivers that commit and roll back without a context: a server
// that falls silent then would keep the caller for as long as TCP has hope. The
// connection is left behind with them, and comes back to the pool, or is closed,
// when the network says something.
func ended(ctx context.Context, tx bun.Tx, fn func(ctx context.Context, tx bun.Tx) error, after func()) (err error) {
	end := tx.Rollback
	defer func() {
		failed := answered(ctx, func() error {
			defer after()
			return end()
		})
		if err == nil {
			err = failed
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	end = tx.Commit
	return nil
}

// answered returns what do returns, or an error that is that of ctx when do has
// returned nothing when ctx ended, nor for the leeway after it.
func answered(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }() // ends when the server answers, or the connection breaks
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	leeway := time.NewTimer(endLeeway)
	defer leeway.Stop()
	select {
	case err := <-done:
		return err
	case <-leeway.C:
		return fmt.Errorf("the end of the transaction has no answer: %w", ctx.Err())
	}
}
