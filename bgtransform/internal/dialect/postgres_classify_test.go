package dialect_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// Each of these errors is made by PostgreSQL, or by pgx.
func TestPostgresClassifyOfProvokedErrors(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL CHECK (length(v) < 4))"
	shared := pgNew(t) // by those that leave nothing behind
	exec(t, shared, table)
	for name, test := range map[string]struct {
		want    dialect.Class
		provoke func(t *testing.T, db *bun.DB) error
	}{
		"a serialization failure":          {dialect.Transient, pgSerialization},
		"a deadlock":                       {dialect.Transient, pgDeadlock},
		"a lock that another holds":        {dialect.Transient, pgLockTimeout},
		"a lock that is not waited for":    {dialect.Transient, pgNoWait},
		"a cached plan":                    {dialect.Transient, pgCachedPlan},
		"a prepared statement that's gone": {dialect.Transient, pgDeallocated},
		"a statement that takes too long":  {dialect.Timeout, pgStatementTimeout},
		"a context past its deadline":      {dialect.Timeout, pgDeadline},
		"a context that was cancelled":     {dialect.Interrupted, pgCancelled},
		"a statement someone cancelled":    {dialect.Timeout, pgCancelBackend},
		"a backend that was terminated":    {dialect.Unavailable, pgTerminated},
		"a connection that was cut":        {dialect.Unavailable, pgCutWhileIdle},
		"a server that is not there":       {dialect.Unavailable, pgRefused},
		"a database that is not there":     {dialect.Unavailable, pgElsewhere("/missing?", "/")},
		"a user that is not there":         {dialect.Unavailable, pgElsewhere("missing@", "postgres@")},
		"a read-only transaction":          {dialect.Unavailable, pgScript("SET TRANSACTION READ ONLY; INSERT INTO t VALUES (1, 'a')")},
		"a full disk":                      {dialect.Unavailable, pgRaise("53100")},
		"too much of the disk":             {dialect.Unavailable, pgScript("SET LOCAL temp_file_limit = 64; SET LOCAL work_mem = 64; SELECT * FROM generate_series(1, 200000) AS n ORDER BY n DESC OFFSET 199999")},
		"too many connections":             {dialect.Unavailable, pgRaise("53300")},
		"a constraint: not null":           {dialect.BadRow, pgScript("INSERT INTO t VALUES (1, NULL)")},
		"a constraint: unique":             {dialect.BadRow, pgScript("INSERT INTO t VALUES (1, 'a'), (1, 'b')")},
		"a constraint: check":              {dialect.BadRow, pgScript("INSERT INTO t VALUES (1, 'too long')")},
		"a constraint: foreign key":        {dialect.BadRow, pgScript("CREATE TABLE u (id int REFERENCES t); INSERT INTO u VALUES (7)")},
		"a constraint: exclusion":          {dialect.BadRow, pgScript("CREATE TABLE u (r int4range, EXCLUDE USING gist (r WITH &&)); INSERT INTO u VALUES ('[1,5]'), ('[2,3]')")},
		"a value of the wrong type":        {dialect.BadRow, pgScript("SELECT CAST('x' AS int)")},
		"a value too long":                 {dialect.BadRow, pgScript("CREATE TABLE u (v varchar(2)); INSERT INTO u VALUES ('abc')")},
		"a division by zero":               {dialect.BadRow, pgScript("SELECT 1 / 0")},
		"an overflow":                      {dialect.BadRow, pgScript("SELECT 2147483647 + 1")},
		"a zero byte in a text":            {dialect.BadRow, pgBound("a\x00b")},
		"a text that is no UTF-8":          {dialect.BadRow, pgBound("\xff")},
		"a value that pgx cannot encode":   {dialect.BadRow, pgBound(struct{ A chan int }{})},
		"a trigger that refuses":           {dialect.BadRow, pgRaise("P0001")},
		"several rows for one":             {dialect.BadRow, pgScript("SELECT (SELECT * FROM generate_series(1, 2))")},
		"a missing table":                  {dialect.Schema, pgScript("SELECT * FROM missing")},
		"a missing column":                 {dialect.Schema, pgScript("SELECT missing FROM t")},
		"a missing function":               {dialect.Schema, pgScript("SELECT missing()")},
		"a missing schema":                 {dialect.Schema, pgScript("CREATE TABLE missing.t ()")},
		"a syntax error":                   {dialect.Schema, pgScript("SELEC 1")},
		"a column of another type":         {dialect.Schema, pgScript("UPDATE t SET id = 'a'::text")},
		"a permission that is missing":     {dialect.Schema, pgScript("SET LOCAL ROLE pg_monitor; SELECT * FROM t")},
		"a generated column":               {dialect.Schema, pgScript("CREATE TABLE u (a int, b int GENERATED ALWAYS AS (a) STORED); UPDATE u SET b = 1")},
		"a finished transaction":           {dialect.Unknown, pgFinishedTx},
	} {
		t.Run(name, func(t *testing.T) {
			db := shared
			if test.want == dialect.Transient || strings.HasSuffix(name, "terminated") || strings.Contains(name, "cancelled") {
				t.Parallel()
				db = pgNew(t)
				exec(t, db, table)
			}
			err := test.provoke(t, db)
			if err == nil {
				t.Fatal("nothing went wrong")
			}
			classify := dialectOf(t, db).Classify
			if got := classify(fmt.Errorf("write batch: %w", err)); got != test.want {
				t.Errorf("Classify(%T: %v) = %s, want %s", err, err, got, test.want)
			}
		})
	}
}

func pgScript(script string) func(*testing.T, *bun.DB) error {
	return func(t *testing.T, db *bun.DB) error {
		_, err := pgBegin(t, db).Tx.ExecContext(t.Context(), script)
		return err
	}
}

func pgRaise(state string) func(*testing.T, *bun.DB) error {
	return pgScript("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" + state + "'; END $$")
}

func pgBound(v any) func(*testing.T, *bun.DB) error {
	return func(t *testing.T, db *bun.DB) error {
		_, err := db.DB.ExecContext(t.Context(), "INSERT INTO t VALUES (1, $1)", v)
		return err
	}
}

func pgBegin(t *testing.T, db *bun.DB) bun.Tx {
	t.Helper()
	tx := must2(db.BeginTx(t.Context(), nil))(t)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func pgSerialization(t *testing.T, db *bun.DB) error {
	exec(t, db, "INSERT INTO t VALUES (1, 'a')")
	tx := pgBegin(t, db)
	if _, err := tx.Tx.ExecContext(t.Context(), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t"); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE t SET v = 'b'")
	_, err := tx.Tx.ExecContext(t.Context(), "UPDATE t SET v = 'c'")
	return err
}

func pgDeadlock(t *testing.T, db *bun.DB) error {
	exec(t, db, "INSERT INTO t VALUES (1, 'a'), (2, 'a')")
	one, two := pgBegin(t, db), pgBegin(t, db)
	update := func(tx bun.Tx, id int) error {
		_, err := tx.Tx.ExecContext(t.Context(), "SET LOCAL deadlock_timeout = 20; UPDATE t SET v = 'b' WHERE id = "+fmt.Sprint(id))
		return err
	}
	if err := errors.Join(update(one, 1), update(two, 2)); err != nil {
		t.Fatal(err)
	}
	other := make(chan error, 1)
	go func() { other <- update(one, 2) }()
	err := update(two, 1) // one of the two fails
	if err != nil {
		_ = two.Rollback()
	} else {
		_ = two.Commit()
	}
	return errors.Join(err, <-other)
}

func pgHold(t *testing.T, db *bun.DB) {
	t.Helper()
	exec(t, db, "INSERT INTO t VALUES (1, 'a')")
	if _, err := pgBegin(t, db).Tx.ExecContext(t.Context(), "UPDATE t SET v = 'b'"); err != nil {
		t.Fatal(err)
	}
}

func pgLockTimeout(t *testing.T, db *bun.DB) error {
	pgHold(t, db)
	return pgTransact(t.Context(), t, db, dialect.Limits{Statement: time.Minute, Lock: 20 * time.Millisecond}, "UPDATE t SET v = 'c'")
}

func pgNoWait(t *testing.T, db *bun.DB) error {
	pgHold(t, db)
	return pgScript("SELECT * FROM t FOR UPDATE NOWAIT")(t, db)
}

func pgStatementTimeout(t *testing.T, db *bun.DB) error {
	return pgTransact(t.Context(), t, db, dialect.Limits{Statement: 20 * time.Millisecond}, "SELECT pg_sleep(60)")
}

func pgTransact(ctx context.Context, t *testing.T, db *bun.DB, l dialect.Limits, query string) error {
	t.Helper()
	return dialectOf(t, db).Transact(ctx, db, l, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, query)
		return err
	})
}

func pgDeadline(t *testing.T, db *bun.DB) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := db.ExecContext(ctx, "SELECT pg_sleep(60)")
	return err
}

func pgCancelled(t *testing.T, db *bun.DB) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
	_, err := db.ExecContext(ctx, "SELECT pg_sleep(60)")
	return err
}

// pgStopSleeper runs a statement that sleeps, and a function on its backend.
func pgStopSleeper(t *testing.T, db *bun.DB, stop string) error {
	t.Helper()
	slept := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(t.Context(), "SELECT pg_sleep(60)")
		slept <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		exec(t, db, "SELECT "+stop+"(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
		select {
		case err := <-slept:
			return err
		case <-tick.C:
		}
	}
}

func pgCancelBackend(t *testing.T, db *bun.DB) error {
	return pgStopSleeper(t, db, "pg_cancel_backend")
}

func pgTerminated(t *testing.T, db *bun.DB) error {
	return pgStopSleeper(t, db, "pg_terminate_backend")
}

// pgCutWhileIdle ends the backend of a transaction between two statements.
func pgCutWhileIdle(t *testing.T, db *bun.DB) error {
	tx := pgBegin(t, db)
	var pid int
	if err := tx.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "SELECT pg_terminate_backend($1, 60000)", pid)
	_, err := tx.ExecContext(t.Context(), "SELECT 1")
	return err
}

func pgRefused(t *testing.T, _ *bun.DB) error {
	l := must2(net.Listen("tcp", "127.0.0.1:0"))(t)
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := pgConnect(t, "postgres://postgres@"+addr+"/x?sslmode=disable").ExecContext(t.Context(), "SELECT 1")
	return err
}

// pgElsewhere connects with another database or user.
func pgElsewhere(with, instead string) func(*testing.T, *bun.DB) error {
	return func(t *testing.T, _ *bun.DB) error {
		dsn := pgDSN(t)
		if instead == "/" {
			cut, _, _ := strings.Cut(dsn, "/test_")
			dsn = cut + with + "sslmode=disable"
		} else {
			dsn = strings.Replace(dsn, instead, with, 1)
		}
		_, err := pgConnect(t, dsn).ExecContext(t.Context(), "SELECT 1")
		return err
	}
}

// pgCachedPlan changes a column's type under a statement that was prepared.
func pgCachedPlan(t *testing.T, db *bun.DB) error {
	db.SetMaxOpenConns(1)
	query := func() error {
		var v any
		return db.DB.QueryRowContext(t.Context(), "SELECT max(id) FROM t WHERE id > $1", 0).Scan(&v)
	}
	if err := query(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "ALTER TABLE t ALTER id TYPE numeric")
	return query()
}

// pgDeallocated is what a pooler does that hands a statement to a server that
// has not prepared it.
func pgDeallocated(t *testing.T, db *bun.DB) error {
	db.SetMaxOpenConns(1)
	query := func() error {
		var n int
		return db.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM t WHERE id > $1", 0).Scan(&n)
	}
	if err := query(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "DEALLOCATE ALL")
	err := query()
	if again := query(); again != nil {
		t.Errorf("and once more: %v", again)
	}
	return err
}

func pgFinishedTx(t *testing.T, db *bun.DB) error {
	tx := pgBegin(t, db)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	_, err := tx.ExecContext(t.Context(), "SELECT 1")
	return err
}
