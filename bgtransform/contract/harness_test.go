package contract_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform/contract"
	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) {
	testserver.AtOnce(8) // they wait for locks most of the time
	os.Exit(testserver.Main(m))
}

// patience is how long a test waits for what has to come, on the slowest machine.
const patience = 2 * time.Minute

// kind is a kind of database.
type kind string

const (
	postgres kind = "PostgreSQL"
	mariadb  kind = "MariaDB"
	sqlite   kind = "SQLite"
)

// database is an empty database of a test's own.
type database struct {
	*bun.DB

	kind kind
	dsn  string
	trap *trap
}

// each runs a test on some kinds of databases.
func each(t *testing.T, kinds []kind, test func(t *testing.T, db *database)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			test(t, newDatabase(t, k))
		})
	}
}

func all() []kind { return []kind{postgres, mariadb, sqlite} }

// servers are those where the app and a change can be at odds.
func servers() []kind { return []kind{postgres, mariadb} }

func newDatabase(t *testing.T, k kind) *database {
	t.Helper()
	var dsn string
	switch k {
	case postgres:
		dsn = testserver.SharedPostgres(t).Database(t)
	case mariadb:
		dsn = testserver.SharedMariaDB(t).Database(t)
	default:
		dsn = "file:" + filepath.Join(t.TempDir(), "test.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	}
	return connect(t, k, dsn)
}

// connect opens one more pool of a database.
func connect(t *testing.T, k kind, dsn string) *database {
	t.Helper()
	db := &database{kind: k, dsn: dsn, trap: new(trap)}
	switch k {
	case postgres:
		config, err := pgx.ParseConfig(dsn)
		must(t, err)
		db.DB = bun.NewDB(sql.OpenDB(trapping{stdlib.GetConnector(*config), db.trap}), pgdialect.New())
	case mariadb:
		config, err := mysql.ParseDSN(dsn)
		must(t, err)
		config.Logger = new(mysql.NopLogger) // connections are killed
		connector, err := mysql.NewConnector(config)
		must(t, err)
		db.DB = bun.NewDB(sql.OpenDB(trapping{connector, db.trap}), mysqldialect.New())
	default:
		pool, err := sql.Open("sqlite", dsn)
		must(t, err)
		db.DB = bun.NewDB(pool, sqlitedialect.New())
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exec runs statements; those of a table's columns are alike on all databases.
func (d *database) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.DB.DB.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// one returns the only value of a query, as text.
func (d *database) one(t testing.TB, query string, args ...any) string {
	t.Helper()
	var text sql.NullString
	if err := d.DB.DB.QueryRowContext(t.Context(), query, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text.String
}

// tracks makes a table in the middle of a move, with rows that are moved.
func (d *database) tracks(t testing.TB, rows int) {
	t.Helper()
	d.exec(t, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, length INTEGER NOT NULL, length_ms BIGINT, title VARCHAR(50))")
	values := make([]string, rows)
	for i := range values {
		values[i] = fmt.Sprintf("(%d, %d, %d, 'secret-%d')", i+1, i, i*1000, i)
	}
	d.exec(t, "INSERT INTO tracks (id, length, length_ms, title) VALUES "+strings.Join(values, ", "))
}

// accepts reports whether the database takes a statement, which is undone again.
func (d *database) accepts(t testing.TB, statement string) bool {
	t.Helper()
	tx, err := d.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Tx.ExecContext(t.Context(), statement)
	return err == nil
}

// nullable reports whether tracks takes NULL for a column.
func (d *database) nullable(t testing.TB, column string) bool {
	t.Helper()
	values := map[string]string{"id": "1000001", "length": "1", "length_ms": "1000"}
	values[column] = "NULL"
	return d.accepts(t, fmt.Sprintf("INSERT INTO tracks (id, length, length_ms) VALUES (%s, %s, %s)", values["id"], values["length"], values["length_ms"]))
}

// has reports whether tracks has a column.
func (d *database) has(t testing.TB, column string) bool {
	t.Helper()
	return d.accepts(t, "UPDATE tracks SET "+column+" = "+column+" WHERE id = -1")
}

// hold opens a transaction that has read the table, and does not end until the
// function that it returns is called.
func (d *database) hold(t testing.TB) (release func()) {
	t.Helper()
	tx, err := d.BeginTx(context.Background(), nil)
	must(t, err)
	var n int
	must(t, tx.Tx.QueryRowContext(t.Context(), "SELECT count(*) FROM tracks").Scan(&n))
	release = sync.OnceFunc(func() { _ = tx.Rollback() })
	t.Cleanup(release)
	return release
}

// record is a log that can be waited for.
type record struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{} // closed, and replaced, with each line
}

func newRecord() *record { return &record{wrote: make(chan struct{})} }

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.wrote)
	r.wrote = make(chan struct{})
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) logger() contract.Option {
	return contract.Logger(slog.New(slog.NewTextHandler(r, nil)))
}

// until waits until the log has a text a number of times.
func (r *record) until(t testing.TB, text string, times int) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		r.mu.Lock()
		wrote, found := r.wrote, strings.Count(r.text.String(), text)
		r.mu.Unlock()
		if found >= times {
			return
		}
		select {
		case <-wrote:
		case <-late.C:
			t.Fatalf("%q is %d times in the log after %s:\n%s", text, found, patience, r)
		}
	}
}

// poll waits until a condition is true.
func poll(t testing.TB, what string, true func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !true(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("after %s still not: %s", patience, what)
		}
	}
}

// quiet keeps the steps out of a test's output.
func quiet() contract.Option { return contract.Logger(slog.New(slog.DiscardHandler)) }
