package bgtransform_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// database is an empty database of a test's own. Several pools may open it,
// also those of other processes.
type database struct {
	kind string // sqlite, pg or mysql
	dsn  string
}

// kinds are the databases that a test of the engine runs on.
func kinds() []string { return []string{"sqlite", "pg", "mysql"} }

// newDatabase makes an empty database of a kind. The servers are shared by the
// tests of the package: one that wants to kill its server starts its own.
func newDatabase(t testing.TB, kind string) database {
	t.Helper()
	switch kind {
	case "sqlite":
		return database{kind, dsn(filepath.Join(t.TempDir(), "test.db"))}
	case "pg":
		return database{kind, testserver.SharedPostgres(t).Database(t)}
	case "mysql":
		return database{kind, testserver.SharedMariaDB(t).Database(t)}
	default:
		t.Fatalf("there is no database of kind %q", kind)
		return database{}
	}
}

// open returns a new pool, which closes with the test.
func (d database) open(t testing.TB) *bun.DB {
	t.Helper()
	driver, spoken := "sqlite", schema.Dialect(sqlitedialect.New())
	switch d.kind {
	case "pg":
		driver, spoken = "pgx", pgdialect.New()
	case "mysql":
		driver, spoken = "mysql", mysqldialect.New()
	}
	pool, err := sql.Open(driver, d.dsn)
	must(t, err)
	if d.kind != "sqlite" {
		pool.SetMaxOpenConns(16) // the server is shared
		pool.SetMaxIdleConns(16)
	}
	db := bun.NewDB(pool, spoken)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// onEach runs a test on an empty database of each kind, side by side.
func onEach(t *testing.T, fn func(t *testing.T, db *bun.DB)) {
	t.Helper()
	onEachDatabase(t, func(t *testing.T, d database) { fn(t, d.open(t)) })
}

// onEachDatabase is onEach for tests with several pools.
func onEachDatabase(t *testing.T, fn func(t *testing.T, d database)) {
	t.Helper()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, newDatabase(t, kind))
		})
	}
}

// newDBOn is newDB on a database of any kind.
func newDBOn(t testing.TB, kind string, n int) *bun.DB {
	t.Helper()
	db := newDatabase(t, kind).open(t)
	seed(t, db, n)
	return db
}

// auditTriggers make the table audit follow every write of length_ms.
func auditTriggers(db *bun.DB) []string {
	switch db.Dialect().Name() {
	case dialect.PG:
		return []string{
			"CREATE FUNCTION audit_tracks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (new.id, new.length_ms); RETURN NULL; END $$",
			"CREATE TRIGGER audit_tracks AFTER UPDATE OF length_ms ON tracks FOR EACH ROW EXECUTE FUNCTION audit_tracks()",
		}
	case dialect.MySQL: // no trigger knows which columns a statement has set
		return []string{`CREATE TRIGGER audit_tracks AFTER UPDATE ON tracks FOR EACH ROW
			IF NOT (new.length_ms <=> old.length_ms) OR (new.title <=> old.title AND new.length <=> old.length) THEN
				INSERT INTO audit VALUES (new.id, new.length_ms);
			END IF`}
	default:
		return []string{"CREATE TRIGGER audit_tracks AFTER UPDATE OF length_ms ON tracks BEGIN INSERT INTO audit VALUES (new.id, new.length_ms); END"}
	}
}

// differs spells that two expressions differ, NULL included.
func differs(db *bun.DB, a, b string) string {
	if db.Dialect().Name() == dialect.MySQL {
		return "NOT (" + a + " <=> " + b + ")"
	}
	return a + " IS DISTINCT FROM " + b
}
