package dialect_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

const pgSettings = "SELECT name || ' = ' || setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'synchronous_commit', " +
	"'datestyle', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output', 'standard_conforming_strings', 'TimeZone', 'transaction_read_only') ORDER BY name"

// I4: the server itself bounds a transaction's statements; the connection goes
// back to the app as it was, however the transaction ends.
func TestI4PostgresLimitsEndWithTheTransaction(t *testing.T) {
	t.Parallel()
	db := pgConnect(t, pgDSN(t)+odd+"&statement_timeout=77000&lock_timeout=66000")
	db.SetMaxOpenConns(1)
	d := dialectOf(t, db)
	before := wire(t, db, pgSettings)
	l := dialect.Limits{Statement: 1234 * time.Millisecond, Lock: 56 * time.Millisecond, Relaxed: true}
	within := func(ctx context.Context, q dialect.Querier) (got [3]string, err error) {
		for i, name := range []string{"statement_timeout", "lock_timeout", "synchronous_commit"} {
			err = errors.Join(err, q.QueryRowContext(ctx, "SELECT current_setting('"+name+"')").Scan(&got[i]))
		}
		return got, err
	}
	want := [3]string{"1234ms", "56ms", "off"}
	fail := errors.New("fail")
	for _, end := range []error{nil, fail} {
		err := d.Transact(t.Context(), db, l, func(ctx context.Context, tx bun.Tx) error {
			if got, err := within(ctx, d.Bound(tx)); err != nil || got != want {
				t.Errorf("in a transaction: %v, %v; want %v", got, err, want)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Errorf("Transact = %v, want %v", err, end)
		}
		err = d.Read(t.Context(), db, l, func(ctx context.Context, q dialect.Querier) error {
			if got, err := within(ctx, q); err != nil || got != want {
				t.Errorf("while reading: %v, %v; want %v", got, err, want)
			}
			if _, err := q.ExecContext(ctx, "CREATE TABLE written ()"); err == nil {
				t.Error("a read can write")
			}
			return end
		})
		if err == nil { // the failed statement has ended it
			t.Error("Read = nil, want an error")
		}
		if diff := cmp.Diff(before, wire(t, db, pgSettings)); diff != "" {
			t.Errorf("the session's settings, before (-) and after (+):\n%s", diff)
		}
	}
}

// The deadline of the context bounds the statements on the server too: a client
// that froze, or whose network is gone, keeps no locks.
func TestI4PostgresTheDeadlineHoldsOnTheServer(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var ms int
	err := dialectOf(t, db).Transact(ctx, db, dialect.Limits{Statement: time.Hour}, func(ctx context.Context, tx bun.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT CAST(setting AS int) FROM pg_settings WHERE name = 'statement_timeout'").Scan(&ms)
	})
	if err != nil || ms <= 0 || ms > 60_000 {
		t.Errorf("statement_timeout is %d ms, %v; want at most the minute that is left", ms, err)
	}
}
