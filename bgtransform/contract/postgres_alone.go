package contract

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// aloneKey sets our advisory locks apart from those of others: it stands above the
// number of the table.
const aloneKey = 0x62677463 << 32

// postgresAlone runs fn while no other call works on the indexes of the table. Without
// that, a second call would take the index that the first one is building for one
// that a crash has left, and drop it.
//
// The lock lives in a transaction of its own, on a second connection, for that is how
// far it reaches also behind a pooler of transactions. It holds no snapshot while it idles,
// so that no build waits for it.
func (r *run) postgresAlone(ctx context.Context, fn func(ctx context.Context) error) error {
	if r.db.DB.Stats().MaxOpenConnections == 1 {
		return errors.New("it needs two connections at once, and the pool has one (SetMaxOpenConns)")
	}
	var guard bun.Tx
	err := r.follow(ctx, func(ctx context.Context) (*step, error) {
		if guard.Tx != nil {
			return nil, nil
		}
		return &step{"see to it that no other call works on its indexes", func(ctx context.Context) (err error) {
			guard, err = r.postgresGuard(ctx)
			return err
		}}, nil
	})
	if err != nil {
		return err
	}
	defer func() { _ = guard.Rollback() }() // it has changed nothing
	return fn(ctx)
}

// postgresGuard returns the transaction that holds the lock, or errElsewhere.
func (r *run) postgresGuard(ctx context.Context) (guard bun.Tx, err error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return guard, err
	}
	defer func() {
		if guard.Tx == nil {
			_ = tx.Rollback() // what has failed before says more
		}
	}()
	var alone bool
	err = r.d.Bound(tx).QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock("+dialect.Arg+")", aloneKey|r.oid).Scan(&alone)
	if err != nil {
		return guard, err
	}
	if !alone {
		return guard, errElsewhere
	}
	// It comes last and binds nothing: what has bound values leaves a portal with its
	// snapshot open, until the next message of text ends it.
	const patient = "SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')"
	if _, err := tx.Tx.ExecContext(ctx, patient); err != nil {
		return guard, err
	}
	return tx, nil
}
