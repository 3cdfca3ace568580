package dialect_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// memory returns a database in memory with one connection.
func memory(t *testing.T) *bun.DB {
	t.Helper()
	db := connect(t, ":memory:")
	db.SetMaxOpenConns(1)
	return db
}

// connect opens a SQLite database by its name.
func connect(t *testing.T, dsn string) *bun.DB {
	t.Helper()
	conn, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := bun.NewDB(conn, sqlitedialect.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}

// file returns the name of a database file of the test's own.
func file(t *testing.T) string {
	t.Helper()
	return "file:" + filepath.Join(t.TempDir(), "test.db")
}

func dialectOf(t *testing.T, db *bun.DB) *dialect.Dialect {
	t.Helper()
	d, err := dialect.For(db)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// exec binds its arguments, past bun, so that they are stored as they are.
func exec(t *testing.T, db *bun.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.DB.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// write runs an update in a transaction and returns how many rows it changed.
func write(t *testing.T, db *bun.DB, u dialect.Update) (int, error) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := dialectOf(t, db).Write(t.Context(), tx, u)
	if err != nil {
		if rollback := tx.Rollback(); rollback != nil {
			t.Fatal(rollback)
		}
		return n, err
	}
	return n, tx.Commit()
}

// columns returns columns of no known type, by their quoted names.
func columns(names ...string) []dialect.Column {
	cols := make([]dialect.Column, len(names))
	for i, name := range names {
		cols[i].SQL = name
	}
	return cols
}
