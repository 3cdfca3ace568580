package dialect_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// Each of these errors is made by MariaDB itself.
func TestClassifyOfErrorsThatMariaDBMakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want    dialect.Class
		provoke func(t *testing.T, db *bun.DB) error
	}{
		"a deadlock":                       {dialect.Transient, deadlock},
		"a lock that another holds":        {dialect.Transient, lockWait},
		"a lock that it will not wait for": {dialect.Transient, lockNoWait},
		"a statement that takes too long":  {dialect.Timeout, running("SET STATEMENT max_statement_time = 0.05 FOR SELECT sleep(60)")},
		"a statement that was killed":      {dialect.Interrupted, running("KILL QUERY connection_id()")},
		"a connection that was killed":     {dialect.Unavailable, running("KILL CONNECTION connection_id()")},
		"a connection found dead":          {dialect.Unavailable, foundDead},
		"a read-only transaction":          {dialect.Unavailable, readOnlyTx},
		"a user without a password":        {dialect.Unavailable, elsewhere("nobody@tcp(%s)/")},
		"a database that is not there":     {dialect.Unavailable, elsewhere("root@tcp(%s)/missing")},
		"a server that is not there":       {dialect.Unavailable, elsewhere("root@tcp(127.0.0.1:1)/%.0s")},
		"a constraint: unique":             {dialect.BadRow, running("INSERT INTO t (id, v) VALUES (1, 'b')")},
		"a constraint: not null":           {dialect.BadRow, running("UPDATE t SET v = NULL")},
		"a constraint: check":              {dialect.BadRow, running("UPDATE t SET n = -1")},
		"a constraint: a missing parent":   {dialect.BadRow, running("UPDATE t SET parent = 7")},
		"a constraint: a child":            {dialect.BadRow, running("UPDATE t SET id = 9")},
		"a value that is missing":          {dialect.BadRow, running("INSERT INTO t (id) VALUES (3)")},
		"a text that is too long":          {dialect.BadRow, running("UPDATE t SET v = 'abcdef'")},
		"a number out of range":            {dialect.BadRow, running("UPDATE t SET n = 1000")},
		"an overflow":                      {dialect.BadRow, running("UPDATE t SET n = 9223372036854775807 + 1")},
		"a text that is no number":         {dialect.BadRow, running("UPDATE t SET n = 'x'")},
		"a text that is no date":           {dialect.BadRow, running("UPDATE t SET d = 'x'")},
		"a text that is no UTF-8":          {dialect.BadRow, running("UPDATE t SET v = X'FF'")},
		"a text that is no JSON":           {dialect.BadRow, running("UPDATE t SET j = 'x'")},
		"a division by zero":               {dialect.BadRow, running("UPDATE t SET n = 1 / 0")},
		"a label that is none":             {dialect.BadRow, running("UPDATE t SET e = 'x'")},
		"several rows for one":             {dialect.BadRow, running("UPDATE t SET n = (SELECT 1 UNION SELECT 2)")},
		"a trigger that refuses":           {dialect.BadRow, running("INSERT INTO refused VALUES (1)")},
		"a missing table":                  {dialect.Schema, running("SELECT * FROM missing")},
		"a missing column":                 {dialect.Schema, running("SELECT missing FROM t")},
		"a missing function":               {dialect.Schema, running("SELECT missing(1)")},
		"a missing schema":                 {dialect.Schema, running("SELECT * FROM missing.t")},
		"a syntax error":                   {dialect.Schema, running("SELEC 1")},
		"an ambiguous column":              {dialect.Schema, running("SELECT id FROM t AS a, t AS b")},
		"too few values":                   {dialect.Schema, running("INSERT INTO t VALUES (1)")},
		"a misused aggregate":              {dialect.Schema, running("UPDATE t SET n = count(*)")},
		"a call with too few arguments":    {dialect.Schema, running("SELECT substr('a')")},
		"collations that do not mix":       {dialect.Schema, running("SELECT _utf8mb4'a' COLLATE utf8mb4_bin = _utf8mb4'b' COLLATE utf8mb4_general_ci")},
		"a packet that is too large":       {dialect.Timeout, tooLarge},
		"a finished transaction":           {dialect.Unknown, finishedTxOn},
		"a context that was cancelled":     {dialect.Interrupted, cancelledOn},
		"a context past its deadline":      {dialect.Timeout, deadlineOn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := mariadb(t, "innodb_lock_wait_timeout=1")
			for _, query := range []string{
				"CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(3) NOT NULL, n TINYINT CHECK (n >= 0), d DATE, j JSON, e ENUM('a'), parent INT, FOREIGN KEY (parent) REFERENCES t (id))",
				"INSERT INTO t (id, v) VALUES (1, 'a')", "INSERT INTO t (id, v, parent) VALUES (2, 'b', 1)",
				"CREATE TABLE refused (id INT)",
				"CREATE TRIGGER no BEFORE INSERT ON refused FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Error 1205 (HY000): not really'",
			} {
				exec(t, db, query)
			}
			err := test.provoke(t, db)
			if err == nil {
				t.Fatal("nothing went wrong")
			}
			classify := dialectOf(t, db).Classify
			for _, err := range []error{err, fmt.Errorf("write batch: %w", err), errors.Join(errors.New("x"), err)} {
				if got := classify(err); got != test.want {
					t.Errorf("Classify(%T: %v) = %s, want %s", err, err, got, test.want)
				}
			}
		})
	}
}

// What is not the server's error is not taken for one by what its text quotes.
func TestClassifyOnMariaDBTakesNoTextForANumber(t *testing.T) {
	t.Parallel()
	classify := dialectOf(t, mariadb(t)).Classify
	for _, text := range []string{"my API said: Error 1205 (HY000): no", "Error 1205", "Error x (HY000): no", "Error 12 (HY", ""} {
		if got := classify(errors.New(text)); got != dialect.Unknown {
			t.Errorf("Classify(%q) = %s, want unknown", text, got)
		}
	}
}

func running(query string) func(t *testing.T, db *bun.DB) error {
	return func(t *testing.T, db *bun.DB) error {
		return dialectOf(t, db).Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) error {
			rows, err := tx.Tx.QueryContext(ctx, query)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		})
	}
}

// held returns a transaction that has locked a row.
func held(t *testing.T, db *bun.DB, id int) bun.Tx {
	t.Helper()
	tx := begin(t, db)
	if _, err := tx.ExecContext(t.Context(), "UPDATE t SET v = 'x' WHERE id = ?", id); err != nil {
		t.Fatal(err)
	}
	return tx
}

func lockWait(t *testing.T, db *bun.DB) error {
	held(t, db, 1)
	return errorOf(db.ExecContext(t.Context(), "UPDATE t SET v = 'y' WHERE id = 1"))
}

func lockNoWait(t *testing.T, db *bun.DB) error {
	held(t, db, 1)
	return errorOf(db.ExecContext(t.Context(), "SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT"))
}

// deadlock returns the error of the transaction that the server ends.
func deadlock(t *testing.T, db *bun.DB) error {
	exec(t, db, "INSERT INTO t (id, v) VALUES (5, 'e'), (6, 'f')")
	a, b := held(t, db, 5), held(t, db, 6)
	other := make(chan error, 1)
	go func() { // ends when one of the two is refused
		other <- errorOf(a.ExecContext(t.Context(), "UPDATE t SET v = 'y' WHERE id = 6"))
	}()
	err := errorOf(b.ExecContext(t.Context(), "UPDATE t SET v = 'y' WHERE id = 5"))
	_ = b.Rollback()
	return errors.Join(err, <-other)
}

func readOnlyTx(t *testing.T, db *bun.DB) error {
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	return errorOf(tx.ExecContext(t.Context(), "UPDATE t SET v = 'y'"))
}

// foundDead uses a transaction whose connection somebody has killed.
func foundDead(t *testing.T, db *bun.DB) error {
	tx := begin(t, db)
	var id int64
	if err := tx.QueryRowContext(t.Context(), "SELECT connection_id()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	exec(t, db, fmt.Sprintf("KILL CONNECTION %d", id))
	for {
		if err := errorOf(tx.ExecContext(t.Context(), "SELECT 1")); err != nil {
			return err
		}
	}
}

func elsewhere(dsn string) func(t *testing.T, db *bun.DB) error {
	return func(t *testing.T, _ *bun.DB) error {
		db := mariadbAt(t, fmt.Sprintf(dsn, testserver.SharedMariaDB(t).Addr())+"?timeout=10s")
		return errorOf(db.ExecContext(t.Context(), "SELECT 1"))
	}
}

// tooLarge tries until the server's answer comes: it closes the connection behind it, at
// times before the driver has written everything and begins to read.
func tooLarge(t *testing.T, db *bun.DB) error {
	var err error
	for range 20 {
		err = errorOf(db.DB.ExecContext(t.Context(), "SELECT length(?)", make([]byte, 17<<20)))
		if err == nil || strings.HasPrefix(err.Error(), "Error ") {
			break
		}
	}
	return err
}

func finishedTxOn(t *testing.T, db *bun.DB) error {
	tx := begin(t, db)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return errorOf(tx.ExecContext(t.Context(), "SELECT 1"))
}

func cancelledOn(t *testing.T, db *bun.DB) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
	return errorOf(db.ExecContext(ctx, "SELECT sleep(60)"))
}

func deadlineOn(t *testing.T, db *bun.DB) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	return errorOf(db.ExecContext(ctx, "SELECT sleep(60)"))
}
