package dialect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// Limits are what the server itself allows a transaction, so that a client
// that froze or vanished holds nothing for long.
type Limits struct {
	// Statement bounds each statement; 0 leaves the server's own setting.
	Statement time.Duration
	// Lock bounds the wait for a lock; 0 leaves the server's own setting.
	Lock time.Duration
	// Idle bounds how long the client may keep an open transaction waiting for
	// its next statement, after which the server ends the connection; 0 leaves
	// the server's own setting.
	Idle time.Duration
	// Relaxed lets the commit return before it is on the disk. A server that
	// crashes loses the transaction as a whole or not at all; whoever uses it
	// must find out which.
	Relaxed bool
}

// within returns the limits for what is left until ctx ends, if that is less.
func (l Limits) within(ctx context.Context) Limits {
	if ends, ok := ctx.Deadline(); ok {
		left := max(time.Until(ends), time.Millisecond)
		if l.Statement == 0 || left < l.Statement {
			l.Statement = left
		}
	}
	return l
}

// Read runs fn where each of its statements is bounded by l and by the
// deadline of ctx, on the server too where the database can do that.
func (d *Dialect) Read(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, q Querier) error) error {
	return d.read(ctx, db, l.within(ctx), fn)
}

// Transact runs fn in one transaction under l and the deadline of ctx. It
// commits when fn returns nil, else it rolls back and returns fn's error.
func (d *Dialect) Transact(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, tx bun.Tx) error) error {
	return d.write(ctx, db, l.within(ctx), fn)
}

// TransactAfter is [Dialect.Transact] for a transaction whose first statement is
// first, SQL text that binds nothing. fn is told how many rows that affected. The
// limits travel with it where they can, which saves a trip to the server.
func (d *Dialect) TransactAfter(ctx context.Context, db *bun.DB, l Limits, first string, fn func(ctx context.Context, tx bun.Tx, affected int64) error) error {
	write, l := d.write, l.within(ctx)
	// A backslash means something else where the session has standard_conforming_strings
	// off, until a trip of its own has set that.
	if d.settings != nil && !strings.Contains(first, `\`) {
		write, first = inTx, d.settings(l)+first
	}
	return write(ctx, db, l, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewRaw("?", bun.Safe(first)).Exec(ctx) // bun would take a ? in the text for a placeholder
		if err != nil {
			return fmt.Errorf("the transaction's first statement: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return fmt.Errorf("the transaction's first statement: %w", err)
		}
		return fn(ctx, tx, n)
	})
}

// unlimited runs fn without a transaction of its own: the database is in the
// process, and a statement ends with its context.
func (d *Dialect) unlimited(ctx context.Context, db *bun.DB, _ Limits, fn func(ctx context.Context, q Querier) error) error {
	return fn(ctx, d.Bound(db))
}

func inTx(ctx context.Context, db *bun.DB, _ Limits, fn func(ctx context.Context, tx bun.Tx) error) error {
	return db.RunInTx(ctx, nil, fn)
}
