package bgtransform_test

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/bgtransform/sidecar/bgtransform"
)

// bun's own driver ignores that a context ends, and may report a commit that
// was rolled back.
func TestNewRefusesPgdriver(t *testing.T) {
	t.Parallel()
	pool := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN("postgres://x@127.0.0.1:1/x?sslmode=disable")))
	t.Cleanup(func() { _ = pool.Close() })
	_, err := bgtransform.New(bun.NewDB(pool, pgdialect.New()), quick(t))
	if err == nil || !strings.Contains(err.Error(), "pgdriver is not supported") || !strings.Contains(err.Error(), `sql.Open("pgx"`) {
		t.Errorf("New = %v, want a refusal with the way out", err)
	}
}

// onPostgres returns a database with some options in its DSN.
func onPostgres(t *testing.T, options string) *bun.DB {
	t.Helper()
	d := newDatabase(t, "pg")
	d.dsn += options
	return d.open(t)
}

// pgx can send statements in several ways, some of which work behind a pooler
// that hands every transaction to another server process.
func TestPostgresInEachModeOfTheDriver(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			db := onPostgres(t, "&default_query_exec_mode="+mode)
			seed(t, db, 250)
			audit(t, db)
			exec(t, db, "ALTER TABLE tracks ADD note text, ADD size float4, ADD raw bytea")
			exec(t, db, `UPDATE tracks SET note = 'it''s \', size = 0.1, raw = '\x00' WHERE id % 2 = 0`)
			in := start(t, db, quick(t), noted(), toMSBySQL("y"))
			in.untilState("x", bgtransform.StateComplete)
			in.untilState("y", bgtransform.StateComplete)
			if n := count(t, db, "SELECT count(*) FROM tracks WHERE title <> 'done' OR (id % 2 = 0) <> (note IS NOT DISTINCT FROM 'it''s \\!')"); n != 0 {
				t.Errorf("%d rows are wrong", n)
			}
			wantOnce(t, db, 250)
		})
	}
}

// Noted has columns of kinds that travel as arrays of their own, with NULLs.
type Noted struct {
	bun.BaseModel `bun:"table:tracks,alias:n"`

	ID    int64    `bun:"id,pk"`
	Title string   `bun:"title"`
	Note  *string  `bun:"note"`
	Size  *float32 `bun:"size"`
	Raw   []byte   `bun:"raw"`
}

func noted() bgtransform.Rows[Noted] {
	return bgtransform.Rows[Noted]{
		Name: "x", Pending: "title <> 'done'", Writes: []string{"title", "note", "size", "raw"},
		Each: func(_ context.Context, m *Noted) error {
			m.Title = "done"
			if m.Note != nil {
				*m.Note += "!"
				*m.Size *= 3
				m.Raw = append(m.Raw, 'x')
			}
			return nil
		},
	}
}

// A migration under a run makes plans void, and may even change how a column's
// values travel: the run goes on.
func TestPostgresGoesOnAfterAMigration(t *testing.T) {
	t.Parallel()
	for _, transform := range []bgtransform.Transform{toMS("x"), toMSBySQL("x")} {
		for _, migration := range []string{
			"ALTER TABLE tracks ADD added int NOT NULL DEFAULT 7",
			"ALTER TABLE tracks ALTER length TYPE int4",
			"ALTER TABLE tracks ALTER length TYPE numeric",
			"ALTER TABLE tracks ALTER id TYPE int4",
		} {
			t.Run(strings.TrimPrefix(migration, "ALTER TABLE "), func(t *testing.T) {
				t.Parallel()
				db := newDBOn(t, "pg", 600)
				var migrated atomic.Bool
				cfg := quick(t)
				cfg.Observer = &recorder{hook: func(info bgtransform.BatchStartInfo) {
					if info.Batch == 3 && !migrated.Swap(true) {
						exec(t, db, migration)
					}
				}}
				st := start(t, db, cfg, transform).untilState("x", bgtransform.StateComplete)
				if !migrated.Load() || st.Rows != 600 || st.Quarantined != 0 {
					t.Errorf("%T: migrated %t, %d rows, %d in quarantine: %s", transform, migrated.Load(), st.Rows, st.Quarantined, st.LastError)
				}
				if n := count(t, db, "SELECT count(*) FROM tracks WHERE "+differs(db, "length_ms", "length * 1000")); n != 0 {
					t.Errorf("%d rows are wrong", n)
				}
			})
		}
	}
}

// Track2 is [Track] in another schema.
type Track2 struct {
	bun.BaseModel `bun:"table:music.tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

func TestPostgresTablesOfManyKinds(t *testing.T) {
	t.Parallel()
	const columns = "(id int8 PRIMARY KEY, title text, length int8, length_ms int8)"
	for name, test := range map[string]struct {
		options string
		make    []string
		model   func() bgtransform.Transform
	}{
		"partitioned": {"", []string{
			"CREATE TABLE tracks " + columns + " PARTITION BY RANGE (id)",
			"CREATE TABLE a PARTITION OF tracks FOR VALUES FROM (0) TO (100)", "CREATE TABLE b PARTITION OF tracks DEFAULT",
		}, nil},
		"inherited from":       {"", []string{"CREATE TABLE tracks " + columns, "CREATE TABLE more (extra int, PRIMARY KEY (id)) INHERITS (tracks)"}, nil},
		"in the search path":   {"&search_path=music", []string{"CREATE SCHEMA music", "CREATE TABLE tracks " + columns}, nil},
		"in a schema by name":  {"", []string{"CREATE SCHEMA music", "CREATE TABLE music.tracks " + columns}, inMusic},
		"with a generated one": {"", []string{"CREATE TABLE tracks " + columns, "ALTER TABLE tracks ADD twice int8 GENERATED ALWAYS AS (length * 2) STORED"}, nil},
		"unlogged":             {"", []string{"CREATE UNLOGGED TABLE tracks " + columns}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := onPostgres(t, test.options)
			for _, s := range test.make {
				exec(t, db, s)
			}
			transform, table := bgtransform.Transform(toMS("x")), "tracks"
			if test.model != nil {
				transform, table = test.model(), "music.tracks"
			}
			exec(t, db, "INSERT INTO "+table+" (id, length) SELECT n, n FROM generate_series(1, 300) AS n")
			st := start(t, db, quick(t), transform).untilState("x", bgtransform.StateComplete)
			if n := count(t, db, "SELECT count(*) FROM "+table+" WHERE length_ms = length * 1000"); n != 300 || st.Rows != 300 {
				t.Errorf("%d rows are right, %d were counted; want 300", n, st.Rows)
			}
		})
	}
}

func inMusic() bgtransform.Transform {
	return bgtransform.SQL[Track2]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}
}

// What cannot be walked, or written, is refused with the reason. The transform
// waits: a migration may mend it.
func TestPostgresRefusesWhatItCannotWalk(t *testing.T) {
	t.Parallel()
	const columns = "(id int8, title text, length int8, length_ms int8)"
	for name, test := range map[string]struct{ make, want string }{
		"a view": {
			"CREATE VIEW tracks AS SELECT CAST(1 AS int8) AS id, 'a' AS title, CAST(1 AS int8) AS length, CAST(NULL AS int8) AS length_ms",
			"it is a view",
		},
		"no primary key":     {"CREATE TABLE tracks " + columns, "has no primary key"},
		"another key":        {"CREATE TABLE tracks (id int8 UNIQUE, title text PRIMARY KEY, length int8, length_ms int8)", "has the primary key (title)"},
		"no table":           {"SELECT 1", "does not exist"},
		"a generated column": {"CREATE TABLE tracks (id int8 PRIMARY KEY, title text, length int8, length_ms int8 GENERATED ALWAYS AS (NULL) STORED)", "length_ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, "pg").open(t)
			exec(t, db, test.make)
			if name == "a generated column" {
				exec(t, db, "INSERT INTO tracks (id, length) VALUES (1, 1)")
			}
			in := start(t, db, quick(t), toMS("x"))
			in.until("x", "waiting for "+test.want, func(st bgtransform.Status) bool {
				return strings.Contains(st.Reason.Text+st.LastError+st.Here.Text, test.want) && st.State != bgtransform.StateFailed
			})
		})
	}
}

// PostgreSQL holds no zero bytes in a text: the rows that get one go to
// quarantine, and the others are written.
func TestPostgresZeroBytesGoToQuarantine(t *testing.T) {
	t.Parallel()
	db := newDBOn(t, "pg", 200)
	r := bgtransform.Rows[Track]{
		Name: "x", Pending: "title NOT LIKE 'done%'", Reads: []string{"length"}, Writes: []string{"title"},
		Each: func(_ context.Context, m *Track) error {
			m.Title = "done"
			switch m.ID {
			case 77:
				m.Title = "done \x00"
			case 150:
				m.Title = "done \xff"
			}
			return nil
		},
	}
	in := start(t, db, quick(t), r)
	st := in.untilReason("x", bgtransform.ReasonQuarantine)
	if st.Rows != 198 || st.Quarantined != 2 {
		t.Errorf("%d rows and %d in quarantine, want 198 and 2", st.Rows, st.Quarantined)
	}
	rows, err := in.Control().Quarantined(t.Context(), "x", 10)
	must(t, err)
	for _, row := range rows {
		if row.Key != "77" && row.Key != "150" {
			t.Errorf("%s is in quarantine", row.Key)
		}
	}
}
