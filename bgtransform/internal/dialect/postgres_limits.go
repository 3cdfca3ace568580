package dialect

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

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
	_, err := tx.Tx.ExecContext(ctx, postgresSettings(l))
	return err
}

// postgresForms are the settings under which a value's text is a value again in
// every session, to the last bit. The time zone and the order of day and month,
// which the app's own SQL may count on, stay as they are.
const postgresForms = "SET LOCAL datestyle = 'ISO';" +
	"SET LOCAL intervalstyle = 'postgres';" +
	"SET LOCAL extra_float_digits = 1;" +
	"SET LOCAL bytea_output = 'hex';" +
	"SET LOCAL standard_conforming_strings = on;"

// postgresSettings spells the settings of the transaction it is sent in.
func postgresSettings(l Limits) string {
	var b strings.Builder
	b.WriteString(postgresForms)
	set := func(format string, args ...any) { fmt.Fprintf(&b, "SET LOCAL "+format+";", args...) }
	if l.Statement > 0 {
		set("statement_timeout = %d", max(1, l.Statement.Milliseconds()))
	}
	if l.Lock > 0 {
		set("lock_timeout = %d", max(1, l.Lock.Milliseconds()))
	}
	if l.Relaxed {
		set("synchronous_commit = off")
	}
	return b.String()
}
