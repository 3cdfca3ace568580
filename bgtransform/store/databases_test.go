package store_test

import (
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// database opens pools on an empty database of a test's own.
type database func(t *testing.T) *bun.DB

// databases makes an empty database of each kind.
func databases() map[string]func(t *testing.T) database {
	return map[string]func(t *testing.T) database{
		"sqlite": func(t *testing.T) database {
			dsn := file(t)
			return func(t *testing.T) *bun.DB { return connect(t, dsn) }
		},
		"pg": func(t *testing.T) database {
			dsn := testserver.SharedPostgres(t).Database(t)
			return func(t *testing.T) *bun.DB { return bun.NewDB(pool(t, "pgx", dsn), pgdialect.New()) }
		},
		"mysql": func(t *testing.T) database {
			dsn := testserver.SharedMariaDB(t).Database(t)
			return func(t *testing.T) *bun.DB { return bun.NewDB(pool(t, "mysql", dsn), mysqldialect.New()) }
		},
	}
}

func pool(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(12) // the servers are shared
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// onEachDatabase runs a test on an empty database of each kind, side by side.
func onEachDatabase(t *testing.T, fn func(t *testing.T, open database)) {
	t.Helper()
	for kind, make := range databases() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, make(t))
		})
	}
}

// onEach runs a test with a fixture on each kind of database.
func onEach(t *testing.T, fn func(t *testing.T, f *fixture)) {
	t.Helper()
	onEachDatabase(t, func(t *testing.T, open database) { fn(t, newFixtureOn(t, open(t))) })
}
