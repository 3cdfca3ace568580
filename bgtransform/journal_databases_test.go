package bgtransform_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform"
)

// snapshot returns what every column of a table holds, as the database's own
// text of it, by key.
func snapshot(t testing.TB, db *bun.DB, query string) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	must(t, err)
	defer rows.Close()
	cols, err := rows.Columns()
	must(t, err)
	all := map[string]string{}
	for rows.Next() {
		values := make([][]byte, len(cols))
		dest := make([]any, len(cols))
		for i := range values {
			dest[i] = &values[i]
		}
		must(t, rows.Scan(dest...))
		var text []string
		for i, v := range values[1:] {
			part := fmt.Sprintf("%s=%x", cols[i+1], v)
			if v == nil {
				part = cols[i+1] + " is null"
			}
			text = append(text, part)
		}
		all[string(values[0])] = strings.Join(text, " ")
	}
	must(t, rows.Err())
	return all
}

const allTracks = "SELECT id, title, length, length_ms FROM tracks"

// same fails unless two snapshots are alike, but for the rows given.
func same(t testing.TB, got, want map[string]string, but ...string) {
	t.Helper()
	for key, text := range want {
		if got[key] != text && !slices.Contains(but, key) {
			t.Errorf("row %s is %q, want %q", key, got[key], text)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok && !slices.Contains(but, key) {
			t.Errorf("row %s should not be there", key)
		}
	}
}

// Both kinds come back from a run on every database; a row that the app has
// changed since, and one that it has deleted, are left and listed.
func TestRevertOnEachDatabase(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		bySQL := inPlaceBySQL("x")
		bySQL.Set = "title = concat('ms ', title), length = length * 1000"
		for _, transform := range []bgtransform.Transform{inPlace("x"), bySQL} {
			db := newDBOn(t, d.kind, 350)
			before := snapshot(t, db, allTracks)
			cfg := quick(t)
			cfg.Locker = nil
			in := start(t, db, cfg, transform)
			if st := in.untilState("x", bgtransform.StateComplete); st.Rows != 350 {
				t.Errorf("%T: %d rows were changed, want 350", transform, st.Rows)
			}
			exec(t, db, "UPDATE tracks SET length = 7 WHERE id = 9")
			exec(t, db, "DELETE FROM tracks WHERE id = 200")
			must(t, in.Control().Revert(t.Context(), "x", ann))
			st := in.untilState("x", bgtransform.StateReverted)
			if st.Rows != 348 || st.Moved != 2 || st.Remaining != 0 || st.Progress != 1 {
				t.Errorf("%T: reverted with %+v; want 348 rows back, and 2 left", transform, st)
			}
			if why := st.Why(); why.Code != bgtransform.ReasonLeft || !strings.Contains(why.Text, "1 changed since, 1 deleted since") {
				t.Errorf("%T: why is %q", transform, why)
			}
			after := snapshot(t, db, allTracks)
			same(t, after, before, "9", "200")
			if _, there := after["200"]; there || count(t, db, "SELECT length FROM tracks WHERE id = 9") != 7 {
				t.Errorf("%T: what the app has changed since was overwritten", transform)
			}
			left, err := in.Control().Journal(t.Context(), "x", 2)
			must(t, err)
			if len(left) != 2 || left[0].Key != "9" || left[0].Standing != "changed" || left[1].Key != "200" || left[1].Standing != "gone" {
				t.Errorf("%T: the journal lists %+v", transform, left)
			}
			in.stop()
			exec(t, db, "DROP TABLE tracks")
			for _, table := range []string{"transforms", "intents", "ranges", "journal"} {
				exec(t, db, "DELETE FROM bgtransform_"+table)
			}
		}
	})
}

// Odd is a table of types that a careless text form would blur.
type Odd struct {
	bun.BaseModel `bun:"table:odds,alias:odd"`

	ID   int64  `bun:"id,pk"`
	Done bool   `bun:"done"`
	Text string `bun:"a_text"`
	Num  string `bun:"a_num"`
	Real string `bun:"a_real"`
	Blob []byte `bun:"a_blob"`
	Time string `bun:"a_time"`
	Doc  string `bun:"a_doc"`
}

// oddColumns are the types of a kind of database, and what the rows hold.
func oddColumns(name dialect.Name) (types []string, rows [][]string) {
	rows = [][]string{
		{"''", "0", "0.1", "''", "NULL", "NULL"},
		{"'it''s å \"quoted\" 日本 <&>'", "123456789012345678.90", "1e300", "'abc'", "'2024-01-02 03:04:05'", `'{"a":  1.0}'`},
		{"NULL", "NULL", "NULL", "NULL", "'1999-12-31 23:59:59.123456'", `'[null,"\u00e5"]'`},
		{"' trailing '", "-0.01", "-2.5", "'\r\n'", "'2024-03-31 02:30:00'", "'{}'"},
	}
	switch name {
	case dialect.PG:
		rows[1][3], rows[2][2] = `'\x00ff27'`, "'NaN'"
		return []string{"varchar(40)", "numeric(30,2)", "double precision", "bytea", "timestamptz", "json"}, rows
	case dialect.MySQL:
		rows[1][3], rows[1][0], rows[1][2] = "x'00ff27'", "'it''s å'", "3.4e38"
		return []string{"varchar(40) CHARACTER SET latin1", "decimal(30,2)", "float", "varbinary(40)", "datetime(6)", "longtext"}, rows
	default:
		rows[1][3], rows[2][0] = "x'00ff27'", "CAST(x'fe00ff' AS TEXT)"
		return []string{"TEXT COLLATE NOCASE", "NUMERIC", "REAL", "BLOB", "DATETIME", ""}, rows
	}
}

// A revert restores every column to the byte, whatever its type.
func TestRevertRestoresOddTypesToTheByte(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		types, rows := oddColumns(db.Dialect().Name())
		exec(t, db, fmt.Sprintf("CREATE TABLE odds (id INTEGER PRIMARY KEY, done BOOLEAN, a_text %s, a_num %s, a_real %s, a_blob %s, a_time %s, a_doc %s)",
			types[0], types[1], types[2], types[3], types[4], types[5]))
		for i, values := range rows {
			exec(t, db, fmt.Sprintf("INSERT INTO odds VALUES (%d, FALSE, %s)", i+1, strings.Join(values, ", ")))
		}
		all := "SELECT id, done, a_text, a_num, a_real, a_blob, a_time, a_doc FROM odds"
		if db.Dialect().Name() == dialect.SQLite { // past the driver, which makes times of texts
			all = "SELECT id, done, hex(a_text), quote(a_num), quote(a_real), quote(a_blob), quote(a_time), quote(a_doc), typeof(a_num), typeof(a_text) FROM odds"
		}
		before := snapshot(t, db, all)
		writes := []string{"done", "a_text", "a_num", "a_real", "a_blob", "a_time", "a_doc"}
		in := start(t, db, quick(t), bgtransform.SQL[Odd]{
			Name: "x", Pending: "done = FALSE", Writes: writes, Options: bgtransform.Options{Journal: true},
			Set: "done = TRUE, a_text = 'x', a_num = 1, a_real = 1, a_blob = 'x', a_time = '2020-01-01 00:00:00', a_doc = '1'",
		})
		in.untilState("x", bgtransform.StateComplete)
		if n := count(t, db, "SELECT count(*) FROM odds WHERE a_text = 'x'"); n != int64(len(rows)) {
			t.Fatalf("%d rows were transformed", n)
		}
		must(t, in.Control().Revert(t.Context(), "x", ann))
		if st := in.untilState("x", bgtransform.StateReverted); st.Rows != int64(len(rows)) || st.Moved != 0 {
			t.Errorf("got %+v", st)
		}
		same(t, snapshot(t, db, all), before)
	})
}
