package bgtransform_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Whatever a verification finds in a big table, none of its statements reads
// more rows than a batch holds; a sample walks more entries of the index, and
// reads none of their rows.
func TestI4BoundedVerification(t *testing.T) {
	t.Parallel()
	for name, transform := range verifiables(newDB(t, 0)) {
		base, err := sqlite.NewConnector(dsn(filepath.Join(t.TempDir(), "test.db")))
		must(t, err)
		seen := &statements{Connector: base}
		db := bun.NewDB(sql.OpenDB(seen), sqlitedialect.New())
		t.Cleanup(func() { _ = db.Close() })
		seed(t, db, 1000)
		in := start(t, db, quick(t), transform)
		in.untilState("x", bgtransform.StateComplete)
		exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id BETWEEN 601 AND 950") // whole batches, and single rows
		exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id IN (1, 500, 1000)")
		for _, o := range []bgtransform.VerifyOptions{{}, {Sample: 0.01}, {Repair: true}} {
			seen.forget()
			v := in.verified("x", o)
			want := int64(353)
			if o.Sample > 0 {
				want = v.Mismatches
			}
			if v.State != bgtransform.VerifyDone || v.Mismatches != want {
				t.Errorf("%s, %+v: %+v", name, o, v)
			}
			for _, one := range seen.forget() {
				checkVerifyBounded(t, db, one)
			}
		}
		in.stop()
	}
}

// forget returns the statements so far, and forgets them.
func (s *statements) forget() []statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// checkVerifyBounded is checkBounded for statements that name their rows, and
// for the longer walks of a sample.
func checkVerifyBounded(t *testing.T, db *bun.DB, s statement) {
	t.Helper()
	named := strings.Contains(s.query, `"id" IN (`) || strings.Contains(s.query, `"id" = ?`)
	m := limitOf.FindStringSubmatch(s.query)
	walk := strings.HasPrefix(s.query, "SELECT count(*), max(") && !strings.Contains(s.query, "length")
	switch {
	case named && len(s.args) > 500:
		t.Errorf("names %d values: %s", len(s.args), s.query)
	case named:
	case m != nil && walk && len(m[1]) <= len("10000"):
	default:
		checkBounded(t, db, s)
	}
}

// The first mismatches are kept, and all are counted.
func TestI4MismatchesKeptAreBounded(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1100)
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	exec(t, db, "UPDATE tracks SET length_ms = 7")
	if v := in.verified("x", bgtransform.VerifyOptions{Repair: true}); v.Mismatches != 1100 || v.Repaired != 1100 || !v.Clean() {
		t.Errorf("%+v", v)
	}
	if got := in.found("x"); len(got) != 1000 {
		t.Errorf("%d mismatches are kept, want the first 1000", len(got))
	}
	if n := count(t, db, "SELECT count(*) FROM bgtransform_mismatches WHERE key_text > '1000'"); n == 0 {
		t.Error("the mismatches that are kept are not of this table")
	}
}
