package bgtransform_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// keyless has no primary key.
type keyless struct {
	bun.BaseModel `bun:"table:keyless"`

	Length   int64
	LengthMS *int64
}

// Bad input to Register gets one clear error, which names the value and what
// would be valid, and nothing is registered.
func TestBadInputRegister(t *testing.T) {
	t.Parallel()
	good := toMS("x")
	with := func(change func(r *bgtransform.Rows[Track])) bgtransform.Transform {
		r := good
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		transform bgtransform.Transform
		want      []string
	}{
		"no name":              {with(func(r *bgtransform.Rows[Track]) { r.Name = "" }), []string{"no name"}},
		"odd name":             {with(func(r *bgtransform.Rows[Track]) { r.Name = "Größe" }), []string{`"Größe"`, "lower-case letters"}},
		"duplicate name":       {with(func(r *bgtransform.Rows[Track]) { r.Name = "taken" }), []string{`"taken"`, "taken by another"}},
		"same flag":            {with(func(r *bgtransform.Rows[Track]) { r.Name = "ta.ken" }), []string{`"ta-ken"`, "TA_KEN"}},
		"after itself":         {with(func(r *bgtransform.Rows[Track]) { r.Options.After = []string{"x"} }), []string{"After"}},
		"unknown column read":  {with(func(r *bgtransform.Rows[Track]) { r.Reads = []string{"lenght"} }), []string{`"lenght"`, "id, title, length, length_ms"}},
		"unknown column write": {with(func(r *bgtransform.Rows[Track]) { r.Writes = []string{"ms"} }), []string{`"ms"`, "length_ms"}},
		"writes the key":       {with(func(r *bgtransform.Rows[Track]) { r.Writes = []string{"id"} }), []string{`"id"`, "primary key"}},
		"nothing pending":      {with(func(r *bgtransform.Rows[Track]) { r.Pending = "" }), []string{"Pending", "length_ms IS NULL"}},
		"nothing written":      {with(func(r *bgtransform.Rows[Track]) { r.Writes = nil }), []string{"Writes"}},
		"no function":          {with(func(r *bgtransform.Rows[Track]) { r.Each = nil }), []string{"Each or Batch"}},
		"bad limits":           {with(func(r *bgtransform.Rows[Track]) { r.Options.Limits = throttle.Limits{Duty: 7} }), []string{"Duty", "7"}},
		"no primary key":       {bgtransform.SQL[keyless]{Name: "x", Pending: "a", Set: "b"}, []string{"no primary key", "pk"}},
		"not a struct":         {bgtransform.SQL[int]{Name: "x", Pending: "a", Set: "b"}, []string{"not a struct"}},
		"sql without a set":    {bgtransform.SQL[Track]{Name: "x", Pending: "a"}, []string{"Set", "length_ms = length * 1000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := bgtransform.New(newDB(t, 0), quick(t))
			must(t, err)
			must(t, s.Register(toMS("taken"), toMS("ta-ken")))
			err = s.Register(c.transform)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not tell %s: %v", part, err)
				}
			}
		})
	}
}

func TestBadInputConfig(t *testing.T) {
	t.Parallel()
	_, err := bgtransform.New(newDB(t, 0), bgtransform.Config{
		Concurrency: -1, LeaseTTL: time.Millisecond, Grace: -1, MaxQuarantineShare: 3, Instance: "two\nlines",
		Limits: throttle.Limits{RowsPerSecond: -4}, MaxQuarantine: -1, RowTimeout: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"Concurrency is -1", "LeaseTTL is 1ms", "at least 100ms", "Grace", "MaxQuarantineShare is 3", "Instance", "RowsPerSecond", "MaxQuarantine is -1", "RowTimeout"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not tell %q: %v", part, err)
		}
	}
}

// What only the database can tell ends in a status that says it: no primary
// key, a column that is not there, a condition that is not SQL.
func TestBadInputSchema(t *testing.T) {
	t.Parallel()
	typo := toMS("x")
	typo.Pending = "lenght_ms IS NULL"
	for name, c := range map[string]struct {
		ddl       string
		transform bgtransform.Transform
		want      string
	}{
		"no primary key in the table": {"CREATE TABLE tracks (id INTEGER, title TEXT, length INTEGER, length_ms INTEGER)", toMS("x"), `table "tracks" has no primary key`},
		"another primary key":         {"CREATE TABLE tracks (id INTEGER, title TEXT PRIMARY KEY, length INTEGER, length_ms INTEGER)", toMS("x"), "has the primary key (title), but model Track has (id)"},
		"no such column":              {"CREATE TABLE tracks (id INTEGER PRIMARY KEY, title TEXT, length INTEGER)", toMS("x"), `has no column "length_ms" yet`},
		"no such column in SQL":       {"CREATE TABLE tracks (id INTEGER PRIMARY KEY, title TEXT, length INTEGER)", toMSBySQL("x"), "no such column: length_ms"},
		"typo in the condition":       {"CREATE TABLE tracks (id INTEGER PRIMARY KEY, title TEXT, length INTEGER, length_ms INTEGER)", typo, "no such column: lenght_ms"},
		"null key":                    {"CREATE TABLE tracks (id TEXT PRIMARY KEY, title TEXT, length INTEGER, length_ms INTEGER)", toMS("x"), "primary key is NULL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, 0)
			exec(t, db, "DROP TABLE tracks")
			exec(t, db, c.ddl)
			if name == "null key" {
				exec(t, db, "INSERT INTO tracks VALUES (NULL, 'nobody', 1, NULL)")
			}
			in := start(t, db, quick(t), c.transform)
			st := in.until("x", "stopped by the schema", func(st bgtransform.Status) bool {
				return st.Reason.Code == bgtransform.ReasonSchema || st.State == bgtransform.StateFailed
			})
			if !strings.Contains(st.Reason.Text, c.want) {
				t.Errorf("reason is %q; want it to tell %q", st.Reason.Text, c.want)
			}
		})
	}
}

// A pending condition that never turns false fails the transform at its first
// batch, with nothing written.
func TestBadInputPendingNeverTurns(t *testing.T) {
	t.Parallel()
	forever := toMS("x")
	forever.Pending = "length > 0"
	for _, kind := range []bgtransform.Transform{
		forever, bgtransform.SQL[Track]{Name: "x", Pending: "length > 0", Set: "length_ms = length * 1000"},
	} {
		db := newDB(t, 1000)
		st := start(t, db, quick(t), kind).untilState("x", bgtransform.StateFailed)
		if st.Reason.Code != bgtransform.ReasonStillMatch || st.Rows != 0 {
			t.Errorf("%T: got %+v", kind, st)
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
			t.Errorf("%T: %d rows were written", kind, n)
		}
	}
}

// Single rows that stay pending although they were written go to quarantine.
func TestBadInputPendingNeverTurnsForSome(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 42 || m.ID == 142 {
			return nil // forgets to set length_ms
		}
		return each(ctx, m)
	}
	in := start(t, db, quick(t), r)
	st := in.untilReason("x", bgtransform.ReasonQuarantine)
	if st.Quarantined != 2 || st.Pass > 3 {
		t.Errorf("got %+v", st)
	}
}

// A read-only database: the app runs, and the status says what is wrong.
func TestBadInputReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path)
	seed(t, db, 10)
	exec(t, db, "PRAGMA journal_mode = DELETE")
	must(t, db.Close())
	must(t, os.Chmod(path, 0o444))
	readOnly := open(t, fmt.Sprintf("%s?mode=ro&x=", path))
	in := start(t, readOnly, quick(t), toMS("x"))
	st := in.untilReason("x", bgtransform.ReasonDatabase)
	if !strings.Contains(st.Here.Text, "readonly") {
		t.Errorf("reason is %q", st.Here)
	}
}
