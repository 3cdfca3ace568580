package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

const (
	exclusiveNumber = 7_204_061_984       // of the advisory lock on PostgreSQL: any that nobody else uses
	exclusiveName   = "example-app setup" // of the lock on MySQL
	exclusiveWait   = 60                  // seconds
)

// exclusive runs fn in a transaction while no other process is in here: processes
// of a pool start at the same time, and all find that the schema has to be made.
func exclusive(ctx context.Context, db *bun.DB, fn func(ctx context.Context, tx bun.Tx) error) error {
	switch db.Dialect().Name() {
	case dialect.PG:
		return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", exclusiveNumber); err != nil {
				return err
			}
			return fn(ctx, tx)
		})
	case dialect.MySQL:
		return exclusiveMySQL(ctx, db, fn)
	default: // SQLite has one writer at a time, from the beginning of the transaction on
		return db.RunInTx(ctx, nil, fn)
	}
}

// exclusiveMySQL holds a lock that belongs to the connection: changes of the schema
// commit the transaction they are in. Reads do not lock what others insert.
func exclusiveMySQL(ctx context.Context, db *bun.DB, fn func(ctx context.Context, tx bun.Tx) error) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var got sql.NullInt64
	if err := conn.NewRaw("SELECT GET_LOCK(?, ?)", exclusiveName, exclusiveWait).Scan(ctx, &got); err != nil {
		return fmt.Errorf("take the lock %q: %w", exclusiveName, err)
	}
	if got.Int64 != 1 {
		return fmt.Errorf("the lock %q was taken for longer than %d s", exclusiveName, exclusiveWait)
	}
	defer func() {
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", exclusiveName)
		err = errors.Join(err, unlock)
	}()
	return conn.RunInTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, fn)
}
