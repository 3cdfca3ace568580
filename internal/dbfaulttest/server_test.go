package dbfaulttest

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// The databases.
const (
	postgres = "postgres"
	mariadb  = "mariadb"
	sqlite   = "sqlite"
)

// servers are the databases that can be cut off, or killed.
func servers() []string { return []string{postgres, mariadb} }

// place is a database of one test.
type place struct {
	kind   string
	dsn    string
	server *testserver.Server // nil for SQLite; shared, or the test's own
}

// onServers runs a test on a database of each server, side by side. The servers are
// shared by the tests of the package.
func onServers(t *testing.T, fn func(t *testing.T, p place)) {
	t.Helper()
	on(t, servers(), shared, fn)
}

// onAll is onServers with SQLite.
func onAll(t *testing.T, fn func(t *testing.T, p place)) {
	t.Helper()
	on(t, append(servers(), sqlite), shared, fn)
}

func on(t *testing.T, kinds []string, get func(t *testing.T, kind string) place, fn func(t *testing.T, p place)) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, get(t, kind))
		})
	}
}

func shared(t *testing.T, kind string) place {
	t.Helper()
	switch kind {
	case postgres:
		s := testserver.SharedPostgres(t)
		return place{kind, s.Database(t), s.Server}
	case mariadb:
		s := testserver.SharedMariaDB(t)
		return place{kind, s.Database(t), s.Server}
	default:
		return place{kind: sqlite, dsn: "file:" + filepath.Join(t.TempDir(), "test.db") +
			"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate"}
	}
}

// via is the same database behind a proxy.
func (p place) via(proxy *testserver.Proxy) place {
	p.dsn = strings.Replace(p.dsn, p.server.Addr(), proxy.Addr(), 1)
	return p
}

// open returns a new pool, which closes with the test.
func (p place) open(t testing.TB) *bun.DB {
	t.Helper()
	var db *bun.DB
	switch p.kind {
	case postgres:
		pool, err := sql.Open("pgx", p.dsn)
		must(t, err)
		db = bun.NewDB(pool, pgdialect.New())
	case mariadb:
		config, err := mysql.ParseDSN(p.dsn)
		must(t, err)
		config.Logger = new(mysql.NopLogger) // servers die here
		connector, err := mysql.NewConnector(config)
		must(t, err)
		db = bun.NewDB(sql.OpenDB(connector), mysqldialect.New())
	default:
		pool, err := sql.Open("sqlite", p.dsn)
		must(t, err)
		db = bun.NewDB(pool, sqlitedialect.New())
	}
	db.SetMaxOpenConns(12)
	db.SetMaxIdleConns(12)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exec runs statements of ours, not of the engine.
func exec(t testing.TB, db bun.IDB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func number(t testing.TB, db bun.IDB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// text writes a query that spells equality with NULL as "a <=> b" in each
// database's own way.
func (p place) text(query string) string {
	switch p.kind {
	case postgres:
		return strings.ReplaceAll(query, "<=>", "IS NOT DISTINCT FROM")
	case sqlite:
		return strings.ReplaceAll(query, "<=>", "IS")
	default:
		return query
	}
}
