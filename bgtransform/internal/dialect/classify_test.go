package dialect_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// endless is a statement that runs until it is interrupted.
const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

// Each of these errors is made by SQLite itself.
func TestClassifyOfProvokedErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want    dialect.Class
		provoke func(t *testing.T) error
	}{
		"a lock that another connection holds": {dialect.Transient, busy},
		"a snapshot too old to write":          {dialect.Transient, busySnapshot},
		"a constraint: not null":               {dialect.BadRow, statement("INSERT INTO t (id, v) VALUES (1, NULL)")},
		"a constraint: unique":                 {dialect.BadRow, statement("INSERT INTO t (id, v) VALUES (1, 'a'), (1, 'b')")},
		"a constraint: check":                  {dialect.BadRow, statement("INSERT INTO t (id, v) VALUES (1, 'too long')")},
		"a value of the wrong type":            {dialect.BadRow, statement("INSERT INTO t (id, v) VALUES ('x', 'a')")},
		"a function that refuses its value":    {dialect.BadRow, statement("SELECT json_extract('{', '$.a')")},
		"an overflow":                          {dialect.BadRow, statement("SELECT sum(i) FROM (SELECT 9223372036854775807 AS i UNION ALL SELECT 1)")},
		"a trigger that refuses":               {dialect.BadRow, statement("CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT raise(ABORT, 'no'); END; INSERT INTO t VALUES (1, 'a')")},
		"a read-only database":                 {dialect.Unavailable, readOnly},
		"a database that cannot be opened":     {dialect.Unavailable, cantOpen},
		"a file that is no database":           {dialect.Unknown, notADatabase},
		"a closed database":                    {dialect.Unavailable, closedDB},
		"a finished transaction":               {dialect.Unknown, finishedTx},
		"a missing table":                      {dialect.Schema, statement("SELECT * FROM missing")},
		"a missing column":                     {dialect.Schema, statement("SELECT missing FROM t")},
		"a missing function":                   {dialect.Schema, statement("SELECT missing()")},
		"a column that an insert names":        {dialect.Schema, statement("INSERT INTO t (missing) VALUES (1)")},
		"a syntax error":                       {dialect.Schema, statement("SELEC 1")},
		"an unfinished statement":              {dialect.Schema, statement("SELECT (")},
		"too few values":                       {dialect.Schema, statement("INSERT INTO t VALUES (1)")},
		"an ambiguous column":                  {dialect.Schema, statement("SELECT id FROM t AS a, t AS b")},
		"a misused aggregate":                  {dialect.Schema, statement("SELECT id FROM t WHERE count(*) > 1")},
		"a call with too few arguments":        {dialect.Schema, statement("SELECT substr('a')")},
		"a context that was cancelled":         {dialect.Interrupted, cancelled},
		"a context that was over before":       {dialect.Interrupted, cancelledBefore},
		"a context past its deadline":          {dialect.Timeout, deadline},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.provoke(t)
			if err == nil {
				t.Fatal("nothing went wrong")
			}
			classify := dialectOf(t, memory(t)).Classify
			if got := classify(err); got != test.want {
				t.Errorf("Classify(%T: %v) = %s, want %s", err, err, got, test.want)
			}
			if got := classify(fmt.Errorf("write batch: %w", err)); got != test.want {
				t.Errorf("Classify(wrapped %v) = %s, want %s", err, got, test.want)
			}
		})
	}
}

func TestClassifyOfErrorsThatAllDriversShare(t *testing.T) {
	t.Parallel()
	classify := dialectOf(t, memory(t)).Classify
	for want, errs := range map[dialect.Class][]error{
		dialect.Unavailable: {driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, &net.OpError{Op: "dial", Err: errors.New("refused")}, os.ErrDeadlineExceeded},
		dialect.Timeout:     {context.DeadlineExceeded},
		dialect.Interrupted: {context.Canceled},
		dialect.Unknown:     {errors.New("something else"), sql.ErrTxDone},
		dialect.Transient:   {errors.New("database is locked")},
		dialect.BadRow:      {errors.New("UNIQUE constraint failed: t.id")},
		dialect.Schema:      {errors.New("no such table: t")},
	} {
		for _, err := range errs {
			if got := classify(fmt.Errorf("x: %w", err)); got != want {
				t.Errorf("Classify(%T: %v) = %s, want %s", err, err, got, want)
			}
		}
	}
}

// What may quote a row's values is not shown.
func TestOnlyClassesThatQuoteNoValuesAreSafe(t *testing.T) {
	t.Parallel()
	for class, want := range map[dialect.Class]bool{
		dialect.BadRow: false, dialect.Unknown: false,
		dialect.Transient: true, dialect.Unavailable: true, dialect.Timeout: true, dialect.Schema: true, dialect.Interrupted: true,
	} {
		if got := class.Safe(); got != want {
			t.Errorf("%s.Safe() = %t, want %t", class, got, want)
		}
	}
}

func statement(query string) func(t *testing.T) error {
	return func(t *testing.T) error {
		db := memory(t)
		exec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL CHECK (length(v) < 4))")
		_, err := db.ExecContext(t.Context(), query)
		return err
	}
}

func busy(t *testing.T) error {
	name := file(t)
	holder, other := connect(t, name), connect(t, name)
	exec(t, holder, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	tx := begin(t, holder)
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	_, err := other.ExecContext(t.Context(), "INSERT INTO t VALUES (2)")
	return err
}

func busySnapshot(t *testing.T) error {
	name := file(t) + "?_pragma=journal_mode(WAL)"
	reader, writer := connect(t, name), connect(t, name)
	exec(t, writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	tx := begin(t, reader)
	if _, err := tx.ExecContext(t.Context(), "SELECT count(*) FROM t"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	exec(t, writer, "INSERT INTO t VALUES (1)")
	_, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (2)")
	return err
}

func begin(t *testing.T, db *bun.DB) bun.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() }) // its connection goes back before the database closes
	return tx
}

func readOnly(t *testing.T) error {
	name := file(t)
	exec(t, connect(t, name), "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	_, err := connect(t, name+"?mode=ro").ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
	return err
}

func cantOpen(t *testing.T) error {
	_, err := connect(t, "file:"+filepath.Join(t.TempDir(), "no", "such", "directory.db")).ExecContext(t.Context(), "SELECT 1")
	return err
}

func notADatabase(t *testing.T) error {
	path := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := connect(t, "file:"+path).ExecContext(t.Context(), "SELECT * FROM sqlite_master")
	return err
}

func closedDB(t *testing.T) error {
	db := memory(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := db.ExecContext(t.Context(), "SELECT 1")
	return err
}

func finishedTx(t *testing.T) error {
	tx := begin(t, memory(t))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	_, err := tx.ExecContext(t.Context(), "SELECT 1")
	return err
}

func cancelled(t *testing.T) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
	return query(ctx, t)
}

func cancelledBefore(t *testing.T) error {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return query(ctx, t)
}

func deadline(t *testing.T) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	return query(ctx, t)
}

func query(ctx context.Context, t *testing.T) error {
	t.Helper()
	var n int
	return memory(t).QueryRowContext(ctx, endless).Scan(&n)
}
