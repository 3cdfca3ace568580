package dialect_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// settings are those of the session that a transaction of ours changes.
const settings = "SELECT concat_ws(' ', @@sql_mode, @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time, @@wait_timeout, @@tx_isolation)"

func session(ctx context.Context, t *testing.T, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) string {
	t.Helper()
	var text string
	if err := q.QueryRowContext(ctx, settings).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// The limits hold within the transaction, and the app gets its connection back
// as it was, however the transaction ends.
func TestLimitsOnMariaDBEndWithTheTransaction(t *testing.T) {
	t.Parallel()
	limits := dialect.Limits{Statement: 1500 * time.Millisecond, Lock: 3100 * time.Millisecond, Idle: 77 * time.Second}
	for name, end := range map[string]func(ctx context.Context, tx bun.Tx) error{
		"a commit":           func(context.Context, bun.Tx) error { return nil },
		"a rollback":         func(context.Context, bun.Tx) error { return errUndo },
		"a failed statement": func(ctx context.Context, tx bun.Tx) error { return errorOf(tx.ExecContext(ctx, "SELECT missing")) },
		"a panic":            func(context.Context, bun.Tx) error { panic("no") },
		"a killed connection": func(ctx context.Context, tx bun.Tx) error {
			return errorOf(tx.ExecContext(ctx, "KILL CONNECTION connection_id()"))
		},
		"settings of its own": func(ctx context.Context, tx bun.Tx) error {
			return errorOf(tx.ExecContext(ctx, "SET max_statement_time = 7, innodb_lock_wait_timeout = 8"))
		},
		"variables that were lost": func(ctx context.Context, tx bun.Tx) error {
			return errorOf(tx.ExecContext(ctx, "SET @bgt_lock = 'no number'"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := mariadb(t, "sql_mode=%27NO_ZERO_DATE%27", "innodb_lock_wait_timeout=44", "max_statement_time=55")
			db.SetMaxOpenConns(1)
			before := session(t.Context(), t, db)
			func() {
				defer func() { _ = recover() }()
				_ = dialectOf(t, db).Transact(t.Context(), db, limits, func(ctx context.Context, tx bun.Tx) error {
					want := "STRICT_TRANS_TABLES,NO_ZERO_DATE 4 4 1.500000 77 READ-COMMITTED"
					if got := session(ctx, t, tx); got != want {
						t.Errorf("in the transaction the settings are %s, want %s", got, want)
					}
					return end(ctx, tx)
				})
			}()
			if after := session(t.Context(), t, db); after != before {
				t.Errorf("after %s the settings are %s, before it they were %s", name, after, before)
			}
		})
	}
}

// A transaction whose context ends leaves no connection with its settings.
func TestLimitsOnMariaDBEndWithTheContext(t *testing.T) {
	t.Parallel()
	db := mariadb(t)
	db.SetMaxOpenConns(1)
	before := session(t.Context(), t, db)
	ctx, cancel := context.WithCancel(t.Context())
	err := dialectOf(t, db).Transact(ctx, db, dialect.Limits{Lock: time.Second}, func(ctx context.Context, tx bun.Tx) error {
		defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
		return errorOf(tx.ExecContext(ctx, "SELECT sleep(30)"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Transact = %v, want that its context was cancelled", err)
	}
	if after := session(t.Context(), t, db); after != before {
		t.Errorf("the settings are %s, before they were %s", after, before)
	}
}

// The server ends a statement by itself, with no help of the driver's.
func TestLimitsOnMariaDBBoundAStatement(t *testing.T) {
	t.Parallel()
	db := mariadb(t)
	d := dialectOf(t, db)
	limits := dialect.Limits{Statement: 100 * time.Millisecond}
	for name, run := range map[string]func() error{
		"in a transaction": func() error {
			return d.Transact(t.Context(), db, limits, func(ctx context.Context, tx bun.Tx) error {
				return errorOf(tx.ExecContext(ctx, "SELECT sleep(60)"))
			})
		},
		"of a read": func() error {
			return d.Read(t.Context(), db, limits, func(ctx context.Context, q dialect.Querier) error {
				var n int
				return q.QueryRowContext(ctx, "SELECT sleep("+dialect.Arg+")", 60).Scan(&n)
			})
		},
		"of a read of many rows": func() error {
			return d.Read(t.Context(), db, limits, func(ctx context.Context, q dialect.Querier) error {
				rows, err := q.QueryContext(ctx, "SELECT sleep(0.01) FROM seq_1_to_6000")
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
				}
				return rows.Err()
			})
		},
	} {
		if err := run(); err == nil || d.Classify(err) != dialect.Timeout {
			t.Errorf("a statement %s ended with %v, want a timeout of the server's", name, err)
		}
	}
}

// Neither a row that another transaction holds, nor a table that is locked, makes a
// transaction of ours wait for long, nor the latter a query.
func TestLimitsOnMariaDBBoundTheWaitForALock(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]string{"a row": "SELECT * FROM t FOR UPDATE", "a table": "LOCK TABLES t WRITE"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := mariadb(t)
			exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			exec(t, db, "INSERT INTO t VALUES (1, 1)")
			holder, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = holder.Close() })
			for _, query := range []string{"SET autocommit = 0", lock} {
				if _, err := holder.ExecContext(t.Context(), query); err != nil {
					t.Fatal(err)
				}
			}
			d, limits := dialectOf(t, db), dialect.Limits{Lock: 50 * time.Millisecond}
			err = d.Transact(t.Context(), db, limits, func(ctx context.Context, tx bun.Tx) error {
				return errorOf(tx.ExecContext(ctx, "UPDATE t SET v = 2"))
			})
			if err == nil || d.Classify(err) != dialect.Transient {
				t.Errorf("the update ended with %v (%s), want that it waited for a lock in vain", err, d.Classify(err))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var n int
			err = d.Read(ctx, db, limits, func(ctx context.Context, q dialect.Querier) error {
				return q.QueryRowContext(ctx, "SELECT v FROM t").Scan(&n)
			})
			if want := map[bool]dialect.Class{true: dialect.Transient}[name == "a table"]; (err != nil) != (want != "") || err != nil && d.Classify(err) != want {
				t.Errorf("beside %s that is locked, the query ended with %v", name, err)
			}
		})
	}
}

// The app inserts between the keys of a range that is being written: a batch
// locks its rows, and no gaps.
func TestTransactOnMariaDBLocksNoGaps(t *testing.T) {
	t.Parallel()
	db := mariadb(t, "innodb_lock_wait_timeout=1")
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	exec(t, db, "INSERT INTO t VALUES (10, 1), (20, 1), (30, 2)")
	insert := func(tx *bun.DB, id int) error {
		return errorOf(tx.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO t VALUES (%d, 9)", id)))
	}
	err := dialectOf(t, db).Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE t SET v = 3 WHERE id > 5 AND id <= 40 AND v = 1"); err != nil {
			return err
		}
		for _, id := range []int{7, 15, 35, 50} {
			if err := insert(db, id); err != nil {
				t.Errorf("an insert of key %d waited for a batch: %v", id, err)
			}
		}
		return errorOf(db.ExecContext(ctx, "UPDATE t SET v = 8 WHERE id = 30")) // looked at, and not changed
	})
	if err != nil {
		t.Error(err)
	}
}

// Where the app's sessions cut what is too long, ours refuse it.
func TestTransactOnMariaDBCutsNoValue(t *testing.T) {
	t.Parallel()
	db := mariadb(t, "sql_mode=%27%27")
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(3), n TINYINT)")
	exec(t, db, "INSERT INTO t VALUES (1, 'abcdef', 1000)") // the app's own way
	d := dialectOf(t, db)
	for column, v := range map[string]any{"v": "abcdef", "n": int64(1000)} {
		_, err := transact(t, db, dialect.Update{
			Table: "t AS x", Keys: columns("id"), Sets: describe(t, db, "t", column),
			Rows: []dialect.Row{{Key: []any{int64(1)}, Set: []any{v}}},
		})
		if err == nil || d.Classify(err) != dialect.BadRow {
			t.Errorf("%s = %v: %v, want that the row is refused", column, v, err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }
