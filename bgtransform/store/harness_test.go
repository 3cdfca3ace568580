package store_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// file returns the name of a database file of the test's own, which several
// connections may share.
func file(t *testing.T) string {
	t.Helper()
	return "file:" + filepath.Join(t.TempDir(), "test.db") + "?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)"
}

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

// fixture is a store with one registered transform, called "x", and a table of
// the app's to write to.
type fixture struct {
	*testing.T

	db    *bun.DB
	store *store.Store
}

// newFixtureOn makes a fixture in an empty database.
func newFixtureOn(t *testing.T, db *bun.DB) *fixture {
	t.Helper()
	f := &fixture{T: t, db: db, store: newStore(t, db)}
	f.must(f.store.Create(t.Context()))
	f.must(f.store.Register(t.Context(), []string{"x"}))
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE app (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	return f
}

func newStore(t *testing.T, db *bun.DB) *store.Store {
	t.Helper()
	s, err := store.New(db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) claim(holder string) (store.Attempt, store.Record) {
	f.Helper()
	a, rec, err := f.store.Claim(f.Context(), "x", holder)
	f.must(err)
	return a, rec
}

func (f *fixture) record() store.Record {
	f.Helper()
	rec, err := f.store.Get(f.Context(), "x")
	f.must(err)
	return rec
}

// appRows returns how many rows batches have written to the app's table.
func (f *fixture) appRows() int {
	f.Helper()
	var n int
	f.must(f.db.QueryRowContext(f.Context(), "SELECT count(*) FROM app").Scan(&n))
	return n
}

// writeApp is a batch that writes one row to the app's table.
func writeApp(ctx context.Context, tx bun.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO app VALUES (1)")
	return err
}

// quarantined returns the rows in quarantine by their keys.
func (f *fixture) quarantined(standings ...string) map[string]store.Quarantined {
	f.Helper()
	rows, err := f.store.Quarantined(f.Context(), "x", 1000, standings...)
	f.must(err)
	byKey := make(map[string]store.Quarantined, len(rows))
	for _, r := range rows {
		byKey[r.Key] = r
	}
	return byKey
}

// setAside is Quarantine for those who need not know how many rows are new.
func setAside(ctx context.Context, tx bun.Tx, a store.Attempt, rows ...store.Quarantined) error {
	_, err := a.Quarantine(ctx, tx, rows)
	return err
}
