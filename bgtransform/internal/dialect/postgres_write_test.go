package dialect_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// pgKeys are tables of 3000 rows whose keys sort in all sorts of ways, most of
// them in another order than they were inserted in. v counts them, as text.
func pgKeys() map[string]string {
	const rows = " FROM generate_series(1, 3000) AS n"
	return map[string]string{
		"integers":    "CREATE TABLE %s AS SELECT CAST(3000 - n AS int4) AS k1" + rows,
		"uuids":       "CREATE TABLE %s AS SELECT CAST(md5(CAST(n AS text)) AS uuid) AS k1" + rows,
		"texts":       "CREATE TABLE %s AS SELECT CASE WHEN n %% 2 = 0 THEN 'é' ELSE 'E' END || n AS k1" + rows,
		"numbers":     "CREATE TABLE %s AS SELECT CAST(n AS numeric) / 7 - 100 AS k1" + rows,
		"floats":      "CREATE TABLE %s AS SELECT CAST(n AS float4) / 7 - 100 AS k1" + rows,
		"times":       "CREATE TABLE %s AS SELECT TIMESTAMPTZ '2026-10-25 00:00:00+00' + n * INTERVAL '1.5 minute' AS k1" + rows,
		"two columns": "CREATE TABLE %s AS SELECT CAST(n %% 7 AS int8) AS k1, 'x' || n AS k2" + rows,
	}
}

// A range that rows were read from leaves none of them out, whatever the order of
// the keys, and a row that moved on is told from those beside it, for as few and
// as many rows as there are.
func TestWriteInARangeOnPostgres(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	for name, create := range pgKeys() {
		t.Run(name, func(t *testing.T) {
			keys := makeKeyed(t, db, name, create)
			after := keyset.Key(nil)
			for _, limit := range []int{1, 2, 3, 1000, 1025, 900} {
				r := writeRange(t, db, name, keys, after, limit)
				after = r.Hi
			}
		})
	}
}

// makeKeyed makes a table with its primary key, and describes that.
func makeKeyed(t *testing.T, db *bun.DB, name, create string) []dialect.Column {
	t.Helper()
	quoted := `"` + name + `"`
	exec(t, db, fmt.Sprintf(create, quoted))
	cols := []string{"k1"}
	if name == "two columns" {
		cols = append(cols, "k2")
	}
	key := cols[0]
	for _, c := range cols[1:] {
		key += ", " + c
	}
	exec(t, db, "ALTER TABLE "+quoted+" ADD v text DEFAULT 'as read', ADD w text, ADD PRIMARY KEY ("+key+")")
	keys := make([]dialect.Column, len(cols))
	for i, c := range cols {
		keys[i] = pgColumn(t, db, name, c)
	}
	return keys
}

// writeRange writes the rows of the next range, of which every third but the
// first has moved on, and compares.
func writeRange(t *testing.T, db *bun.DB, name string, keys []dialect.Column, after keyset.Key, limit int) keyset.Range {
	t.Helper()
	d := must2(dialect.For(db))(t)
	table := `"` + name + `" AS "x"`
	walk := keyset.Walk{Dialect: d, Table: table, Alias: `"x"`, Keys: keys}
	v, w := pgColumn(t, db, name, "v"), pgColumn(t, db, name, "w")
	u := dialect.Update{Table: table, Keys: keys, Sets: []dialect.Column{w}, Guards: []dialect.Column{v}, Where: "w IS NULL"}
	var r keyset.Range
	err := d.Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) (err error) {
		if r, err = walk.Next(ctx, d.Bound(tx), after, limit); err != nil {
			return err
		}
		u.Range, u.RangeArgs = walk.Within(r)
		for i, key := range keysWithin(t, d, tx, walk, r) {
			guard := "as read"
			if i%3 == 2 {
				guard = "as it was once"
			}
			u.Rows = append(u.Rows, dialect.Row{Key: key, Set: []any{fmt.Sprint(i)}, Guard: []any{guard}})
		}
		n, err := d.Write(ctx, tx, u)
		if want := limit - limit/3; err == nil && n != want {
			t.Errorf("%d of %d rows were written, want %d", n, limit, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Rows) != limit {
		t.Fatalf("%d rows were read of %d", len(u.Rows), limit)
	}
	for i, row := range u.Rows {
		if row.Changed != (i%3 != 2) {
			t.Errorf("row %d of %d: changed is %t", i, limit, row.Changed)
		}
	}
	compareWritten(t, db, d, walk, r)
	return r
}

// keysWithin reads the keys of a range in order.
func keysWithin(t *testing.T, d *dialect.Dialect, tx bun.Tx, walk keyset.Walk, r keyset.Range) []keyset.Key {
	t.Helper()
	cond, args := walk.Within(r)
	list := d.Raw(walk.Keys[0])
	for _, k := range walk.Keys[1:] {
		list += ", " + d.Raw(k)
	}
	rows, err := d.Bound(tx).QueryContext(t.Context(), "SELECT "+list+" FROM "+walk.Table+" WHERE "+cond+" ORDER BY "+walk.Order(), args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []keyset.Key
	for rows.Next() {
		key := make(keyset.Key, len(walk.Keys))
		dest := make([]any, len(key))
		for i := range key {
			dest[i] = &key[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, k := range walk.Keys {
			key[i] = d.Load(k, key[i])
		}
		all = append(all, key)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// compareWritten looks whether each row of a range holds its place in it, if it
// was to be written, and nothing else.
func compareWritten(t *testing.T, db *bun.DB, d *dialect.Dialect, walk keyset.Walk, r keyset.Range) {
	t.Helper()
	cond, args := walk.Within(r)
	query := "SELECT count(*) FROM (SELECT w, row_number() OVER (ORDER BY " + walk.Order() + ") - 1 AS n FROM " + walk.Table + " WHERE " + cond +
		") AS s WHERE w IS DISTINCT FROM CASE WHEN n % 3 <> 2 THEN CAST(n AS text) END"
	wrong := 0
	if err := d.Bound(db).QueryRowContext(t.Context(), query, args...).Scan(&wrong); err != nil {
		t.Fatal(err)
	}
	if wrong > 0 {
		t.Errorf("%d of %d rows hold what they should not", wrong, r.N)
	}
}

// Rules rewrite an update, which the server does not take inside of another
// statement.
func TestWriteWithRulesOnPostgres(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, v int8)")
	exec(t, db, "CREATE TABLE changes (id int8)")
	exec(t, db, "INSERT INTO t VALUES (1, 0), (2, 5), (3, 0)")
	exec(t, db, "CREATE RULE seen AS ON UPDATE TO t DO ALSO INSERT INTO changes VALUES (new.id)")
	u := updateOfT(t, db, 1, 2, 3)
	if n, err := pgWrite(t, db, u); err != nil || n != 2 {
		t.Fatalf("%d rows were written (%v), want 2", n, err)
	}
	for i, row := range u.Rows {
		if row.Changed != (i != 1) {
			t.Errorf("row %d: changed is %t", i, row.Changed)
		}
	}
	var held string
	if err := db.NewRaw("SELECT string_agg(concat(id, '=', v), ' ' ORDER BY id) FROM t").Scan(t.Context(), &held); err != nil || held != "1=1 2=5 3=1" {
		t.Errorf("the table holds %q (%v)", held, err)
	}
}

// As many rows as were listed are not each of those, once: where keys are not
// unique after all, a row that moved on would pass for written.
func TestWriteKeyOfSeveralRowsOnPostgres(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	exec(t, db, "CREATE TABLE t (id int8, v int8)")
	for name, values := range map[string]string{
		"as many as listed":  "(1, 0), (1, 0), (2, 5), (3, 0)",
		"more than listed":   "(1, 0), (1, 0), (2, 0), (3, 0)",
		"fewer than listed":  "(1, 0), (1, 0), (2, 5), (3, 5)",
		"the middle, thrice": "(1, 5), (2, 0), (2, 0), (2, 0), (3, 5)",
	} {
		exec(t, db, "DELETE FROM t")
		exec(t, db, "INSERT INTO t VALUES "+values)
		if n, err := pgWrite(t, db, updateOfT(t, db, 1, 2, 3)); err == nil {
			t.Errorf("%s: %d rows were written, want an error", name, n)
		}
	}
}

// updateOfT sets v to 1 in the rows of table t in which it was read as 0.
func updateOfT(t *testing.T, db *bun.DB, ids ...int64) dialect.Update {
	t.Helper()
	id, v := pgColumn(t, db, "t", "id"), pgColumn(t, db, "t", "v")
	u := dialect.Update{Table: `"t" AS "x"`, Keys: []dialect.Column{id}, Sets: []dialect.Column{v}, Guards: []dialect.Column{v}}
	for _, n := range ids {
		u.Rows = append(u.Rows, dialect.Row{Key: []any{n}, Set: []any{int64(1)}, Guard: []any{int64(0)}})
	}
	return u
}

// A batch reads its range once. To look every key up in the index costs the
// server more, and so it goes by the plan of a prepared statement, which is what
// it becomes after a few batches, for want of knowing how long the lists are.
func TestWriteOnPostgresDoesNotLookKeysUp(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	db.SetMaxOpenConns(1) // one session, whose prepared statement grows old
	for name, held := range map[string]any{"t": int64(0), "empty": nil} {
		value := "NULL"
		if held != nil {
			value = "0"
		}
		exec(t, db, "CREATE TABLE "+name+" (id int8 PRIMARY KEY, v int8)")
		exec(t, db, "INSERT INTO "+name+" SELECT n, "+value+" FROM generate_series(1, 20000) AS n")
		exec(t, db, "ANALYZE "+name)
		for batch := range 12 {
			looked, read := looksOf(t, db, name, batch, held)
			if looked > 3 || read > 1000+3 { // the planner may look for the ends of the index
				t.Errorf("%s, batch %d: the table was looked at %d times, for %d rows", name, batch, looked, read)
			}
		}
	}
}

// looksOf writes the next thousand rows of a table, in whose column v something
// was read, and returns how often the table was looked at, for how many rows.
func looksOf(t *testing.T, db *bun.DB, table string, batch int, held any) (looked, read int) {
	t.Helper()
	d := must2(dialect.For(db))(t)
	quoted := `"` + table + `" AS "x"`
	walk := keyset.Walk{Dialect: d, Table: quoted, Alias: `"x"`, Keys: []dialect.Column{pgColumn(t, db, table, "id")}}
	r := keyset.Range{Lo: keyset.Key{int64(1000 * batch)}, Hi: keyset.Key{int64(1000*batch + 1000)}}
	v := []dialect.Column{pgColumn(t, db, table, "v")}
	u := dialect.Update{Table: quoted, Keys: walk.Keys, Sets: v, Guards: v}
	if held == nil {
		u.Where = "v IS NULL"
	}
	for n := range int64(1000) {
		u.Rows = append(u.Rows, dialect.Row{Key: []any{r.Lo[0].(int64) + n + 1}, Set: []any{int64(1)}, Guard: []any{held}})
	}
	u.Range, u.RangeArgs = walk.Within(r)
	err := d.Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) error {
		scans, rows := readOf(t, tx, table)
		n, err := d.Write(ctx, tx, u)
		if n != len(u.Rows) {
			t.Errorf("batch %d: %d rows were written", batch, n)
		}
		looked, read = readOf(t, tx, table)
		looked, read = looked-scans, read-rows
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return looked, read
}

// readOf returns how often the session has begun to read a table or an index of it,
// and how many rows it has found there, as far as it has not yet reported that.
func readOf(t *testing.T, tx bun.Tx, table string) (scans, rows int) {
	t.Helper()
	query := "SELECT seq_scan + idx_scan, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = ?"
	if err := tx.NewRaw(query, table).Scan(t.Context(), &scans, &rows); err != nil {
		t.Error(err)
	}
	return scans, rows
}
