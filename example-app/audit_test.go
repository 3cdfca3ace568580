package main

import (
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
)

// newDatabase seeds a catalogue, without moving a row, and returns its path.
func newDatabase(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalogue.db")
	p := startOn(t, path, []string{"BGTRANSFORM_ENABLED=false"}, append(args, "-once", "-traffic=false")...)
	if code := p.exit(t); code != 1 {
		t.Fatalf("with the transform disabled the app exits with %d, want 1", code)
	}
	return path
}

func openTest(t *testing.T, path string) *bun.DB {
	t.Helper()
	at, err := parseDatabase(path, "rwc")
	if err != nil {
		t.Fatal(err)
	}
	db, err := at.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// audit counts, in the database itself, each write of length_ms. The tests that
// use it have no traffic, so that all of them are the transform's.
func audit(t *testing.T, path string) *bun.DB {
	t.Helper()
	db := openTest(t, path)
	_, err := db.ExecContext(t.Context(), `
		CREATE TABLE audit (track_id INTEGER NOT NULL, length_ms INTEGER);
		CREATE TRIGGER audit_length_ms AFTER UPDATE OF length_ms ON tracks
		BEGIN INSERT INTO audit VALUES (NEW.id, NEW.length_ms); END`)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func count(t *testing.T, db *bun.DB, query string) int64 {
	t.Helper()
	var n int64
	if err := db.NewRaw(query).Scan(t.Context(), &n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// exactlyOnce fails unless each of n tracks was written once, and rightly.
func exactlyOnce(t *testing.T, db *bun.DB, n int64) {
	t.Helper()
	for what, check := range map[string]struct {
		query string
		want  int64
	}{
		"writes":                   {"SELECT count(*) FROM audit", n},
		"rows written":             {"SELECT count(DISTINCT track_id) FROM audit", n},
		"rows with a wrong length": {"SELECT count(*) FROM tracks WHERE length_ms IS NOT length * 1000", 0},
	} {
		if got := count(t, db, check.query); got != check.want {
			t.Errorf("%s: %d, want %d", what, got, check.want)
		}
	}
}

// isComplete fails unless the result is the one of a run to the end.
func isComplete(t *testing.T, p *process, rows int64) result {
	t.Helper()
	code, res := p.exit(t), p.result(t)
	if code != 0 || res.Transform != moveName || res.Status != "complete" || res.Remaining != 0 || res.Wrong != 0 || res.Quarantined != 0 {
		t.Errorf("exit code %d, result %+v; want 0, complete, and nothing remaining, wrong or in quarantine", code, res)
	}
	if rows >= 0 && res.Rows != rows {
		t.Errorf("the transform changed %d rows, want %d", res.Rows, rows)
	}
	return res
}
