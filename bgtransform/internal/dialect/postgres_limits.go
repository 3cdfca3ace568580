package dialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// postgresRead runs fn in a read-only transaction, for that is how far a
// timeout reaches that the app's own use of the connection must not inherit. It
// begins and ends the transaction by itself, because database/sql would make one
// more trip to the server for it.
func (d *Dialect) postgresRead(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, q Querier) error) (err error) {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	ended := false
	defer func() { // also when fn panics
		if !ended {
			ended = postgresEnd(ctx, conn, "ROLLBACK") == nil
		}
		if !ended { // nobody may find it inside a transaction
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = conn.Close()
	}()
	if _, err := conn.ExecContext(ctx, "BEGIN READ ONLY;"+postgresSettings(l)); err != nil {
		return err
	}
	if err := fn(ctx, querier{d, conn}); err != nil {
		return err
	}
	// A statement that failed has ended the transaction, which COMMIT alone would not tell.
	err = postgresEnd(ctx, conn, "SELECT 1;COMMIT")
	ended = err == nil
	return err
}

// endTimeout bounds how long the end of a transaction that only read may take.
const endTimeout = 2 * time.Second

// postgresEnd ends a transaction, although ctx may have ended.
func postgresEnd(ctx context.Context, conn *sql.Conn, how string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, err := conn.ExecContext(ctx, how)
	return err
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
	if l.Idle > 0 {
		set("idle_in_transaction_session_timeout = %d", max(1, l.Idle.Milliseconds()))
	}
	if l.Relaxed {
		set("synchronous_commit = off")
	}
	return b.String()
}
