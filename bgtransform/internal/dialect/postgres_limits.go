package dialect

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
)

// postgresRead runs fn in a read-only transaction, for that is how far a
// timeout reaches that the app's own use of the connection must not inherit.
func (d *Dialect) postgresRead(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, q Querier) error) error {
	return db.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) error {
		if err := postgresSet(ctx, tx, l); err != nil {
			return err
		}
		return fn(ctx, d.Bound(tx))
	})
}

func (d *Dialect) postgresWrite(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, tx bun.Tx) error) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := postgresSet(ctx, tx, l); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// postgresSet sends all settings at once. They bind nothing, so that this is
// one round trip.
func postgresSet(ctx context.Context, tx bun.Tx, l Limits) error {
	settings := postgresSettings(l)
	if settings == "" {
		return nil
	}
	_, err := tx.Tx.ExecContext(ctx, settings)
	return err
}
