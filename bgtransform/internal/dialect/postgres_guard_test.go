package dialect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// pgType is a declared type, with SQL expressions of values that are alike to a
// careless eye.
type pgType struct {
	decl   string
	values []string
}

func pgTypes() []pgType {
	numbers := []string{"0", "1", "-1", "2"}
	texts := []string{"''", "' '", "'a'", "'A'", "'a '", "'á'", "'à'", "'1'", "'1.0'", "'NULL'", "'{}'", `E'a\\b'`, `'it''s "?"'`, `E'l\n'`}
	floats := []string{"0", "'-0'", "1", "0.1", "0.1::float4", "0.3", "0.1::float8 + 0.2", "'NaN'", "'Infinity'", "'-Infinity'", "1e-30", "16777217"}
	times := []string{
		"'2024-01-02'", "'2024-02-01'", "'2024-01-02 03:04:05'", "'2024-01-02 03:04:05.000001'", "'2024-10-27 02:30:00'", "'infinity'", "'-infinity'",
		"'0044-03-15 BC'", "'0001-01-01'", "'9999-12-31'", "'20240-01-02'",
	}
	return []pgType{
		{"int2", append(numbers, "32767", "-32768")},
		{"int4", append(numbers, "2147483647")},
		{"int8", append(numbers, "9007199254740993", "9007199254740992", "9223372036854775807", "-9223372036854775808")},
		{"numeric", []string{"0", "0.0", "1", "1.0", "1.00", "-1", "'NaN'", "'Infinity'", "1e100", "1e-20", "9007199254740993"}},
		{"numeric(10,2)", []string{"0", "1", "1.01", "-1.01", "'NaN'"}},
		{"float4", floats},
		{"float8", append(floats, "9007199254740993", "5e-324", "1.7976931348623157e308")},
		{"text", texts},
		{"varchar(20)", texts},
		{"char(4)", texts[:9]},
		{"bpchar", texts},
		{`text COLLATE "C"`, texts},
		{"text COLLATE alike", texts},
		{"citext", texts},
		{`"char"`, []string{"''", "'a'", "'A'"}},
		{"name", texts},
		{"bytea", []string{"''", `'\x00'`, `'\x61'`, `'\x5c783631'`, `'\xff'`}},
		{"bool", []string{"true", "false"}},
		{"uuid", []string{"'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"}},
		{"date", append([]string{"'2024-01-03'"}, times...)},
		{"timestamp", times},
		{"timestamp(0)", times},
		{"timestamptz", append([]string{"'2024-10-27 02:30:00+01'", "'2024-10-27 02:30:00+02'", "'1880-01-01 00:00:00+00'"}, times...)},
		{"time", []string{"'00:00'", "'24:00'", "'03:04:05.000001'"}},
		{"timetz", []string{"'03:00+00'", "'04:00+01'", "'03:00-02:30'"}},
		{"interval", []string{"'0'", "'1 month'", "'30 days'", "'720 hours'", "'1 day'", "'24 hours'", "'-1 day +01:02:03'", "'-1 day -01:02:03'", "'1 year -1 month 1.5 seconds'", "'-1 second'"}},
		{"json", []string{"'{}'", "'{ }'", `'{"a":1}'`, `'{"a":1.0}'`, `'{"a": 1}'`, "'null'", `'"a"'`}},
		{"jsonb", []string{"'{}'", `'{"a":1}'`, `'{"a":1.0}'`, "'null'", `'"a"'`, `'[1,2]'`}},
		{"jsonpath", []string{"'$.a'", "'$.b'"}},
		{"xml", []string{"'<a/>'", "'<a></a>'"}},
		{"int4[]", []string{"'{}'", "'{1}'", "'{1,NULL}'", "'{{1},{2}}'", "'{1,2}'", "'[0:0]={1}'"}},
		{"text[]", []string{"'{}'", `'{a}'`, `'{"NULL"}'`, `'{NULL}'`, `'{"a,b"}'`, `'{a,b}'`, `'{"\"\\"}'`}},
		{"float8[]", []string{"'{0.1}'", "ARRAY[0.1::float8 + 0.2]", "'{0.3}'", "'{-0}'", "'{0}'"}},
		{"numeric[]", []string{"'{1}'", "'{1.0}'"}},
		{"timestamptz[]", []string{`'{"2024-01-02 00:00+00"}'`, `'{"2024-02-01 00:00+00"}'`}},
		{"bytea[]", []string{`ARRAY['\x6162'::bytea]`, `ARRAY['\x00'::bytea]`}},
		{"mood", []string{"'sad'", "'Sad'", "'it''s ok'"}},
		{"mood[]", []string{"'{sad}'", "'{Sad}'"}},
		{"short", texts[:5]},
		{"shorter", texts[:5]},
		{"cents", []string{"1", "1.0", "2"}},
		{"pair", []string{"ROW(1, 'a', '2024-01-02')", "ROW(1, 'a', '2024-02-01')", "ROW(1.0, 'a', '2024-01-02')", "ROW(NULL, '', NULL)", "ROW(NULL, NULL, NULL)"}},
		{"inet", []string{"'10.0.0.1'", "'10.0.0.1/8'", "'10.0.0.1/32'", "'::1'"}},
		{"cidr", []string{"'10.0.0.0/8'", "'10.0.0.0/9'"}},
		{"macaddr", []string{"'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"}},
		{"money", []string{"1", "1.01", "-1"}},
		{"bit(3)", []string{"B'101'", "B'001'"}},
		{"bit varying", []string{"B''", "B'0'", "B'00'"}},
		{"int4range", []string{"'empty'", "'[1,2)'", "'[1,2]'", "'(,1)'"}},
		{"numrange", []string{"'[1,2]'", "'[1.0,2]'"}},
		{"tstzrange", []string{"'[2024-01-02,2024-02-01)'", "'[2024-01-02,2024-02-01]'"}},
		{"datemultirange", []string{"'{}'", "'{[2024-01-02,2024-02-01)}'"}},
		{"point", []string{"'(0,0)'", "'(-0,0)'", "'(0.1,1)'"}},
		{"tsvector", []string{"''", "'a'", "'a:1'"}},
		{"oid", []string{"0", "4294967295"}},
		{"pg_lsn", []string{"'0/0'", "'16/B374D848'"}},
	}
}

// pgTypesOfOurOwn makes the types that pgTypes names and no server has.
func pgTypesOfOurOwn(t testing.TB, db *bun.DB) {
	t.Helper()
	for _, s := range []string{
		"CREATE COLLATION alike (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
		"CREATE EXTENSION citext",
		"CREATE TYPE mood AS ENUM ('sad', 'Sad', 'it''s ok')",
		"CREATE DOMAIN short AS varchar(20) CHECK (length(value) < 10)",
		"CREATE DOMAIN shorter AS short",
		"CREATE DOMAIN cents AS numeric CHECK (value > 0)",
		"CREATE TYPE pair AS (n numeric, v text, d date)",
	} {
		if _, err := db.DB.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// I3: the guard is true for the very bytes that were read, else the row would
// never be written, and false for all others, else a user's change would be
// overwritten. Each value is read in one session, and its guard then tried on
// all values in another, whose settings are different.
func TestI3PostgresGuardHoldsForTheBytesThatWereReadAndNoOthers(t *testing.T) {
	t.Parallel()
	for name, session := range map[string][2]string{
		"plain":                   {"", ""},
		"read odd, written plain": {odd, ""},
		"read plain, written odd": {"", odd},
		"odd and simple":          {inMode("simple_protocol") + odd, inMode("simple_protocol")},
		"exec":                    {inMode("exec"), inMode("exec")},
		"described":               {inMode("describe_exec"), inMode("cache_describe")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgDSN(t)
			plain := pgConnect(t, dsn)
			pgTypesOfOurOwn(t, plain)
			from, to := pgConnect(t, dsn+session[0]), pgConnect(t, dsn+session[1])
			for i, typ := range pgTypes() {
				checkGuards(t, fmt.Sprint("t", i), typ, plain, from, to)
			}
		})
	}
}

// checkGuards makes a table of that name: sessions remember what a table is.
func checkGuards(t *testing.T, table string, typ pgType, plain, from, to *bun.DB) {
	t.Helper()
	exec(t, plain, "CREATE TABLE "+table+" (id int8 PRIMARY KEY, v "+typ.decl+", hit int8)")
	values := append([]string{"NULL"}, typ.values...)
	for i, expr := range values {
		if _, err := plain.DB.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s (id, v) VALUES (%d, %s)", table, i, expr)); err != nil {
			values[i] = "" // this server, or this type, has no such value
			t.Logf("%s has no %s: %v", typ.decl, expr, err)
		}
	}
	id, v, hit := pgColumn(t, plain, table, "id"), pgColumn(t, plain, table, "v"), pgColumn(t, plain, table, "hit")
	is := wire(t, plain, "SELECT v FROM "+table+" ORDER BY id")
	read := pgRead(t, from, table, v)
	if len(is) != len(read) || len(is) < 3 {
		t.Fatalf("%s: %d values of which %d were read", typ.decl, len(is), len(read))
	}
	ids := make([]int, 0, len(is))
	for i, expr := range values {
		if expr != "" {
			ids = append(ids, i)
		}
	}
	for i, raw := range read {
		u := dialect.Update{Table: table + ` AS "x"`, Keys: []dialect.Column{id}, Sets: []dialect.Column{hit}, Guards: []dialect.Column{v}}
		for _, key := range ids {
			u.Rows = append(u.Rows, dialect.Row{Key: []any{int64(key)}, Set: []any{int64(i)}, Guard: []any{raw}})
		}
		if _, err := pgWrite(t, to, u); err != nil {
			t.Errorf("%s: the guard of %s, which reads as %#v: %v", typ.decl, values[ids[i]], raw, err)
			continue
		}
		for j, row := range u.Rows {
			if want := is[i] == is[j]; row.Changed != want {
				t.Errorf("%s: %s reads as %#v; while the column holds %s its guard is %t, want %t", typ.decl, values[ids[i]], raw, values[ids[j]], row.Changed, want)
			}
		}
	}
}

// I3: a row of which NULL was read is written while it holds NULL, and one of which
// a value was read while it holds that, however the two are mixed in a batch.
func TestI3PostgresGuardsOfWhichSomeAreNULL(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, v int8, w text, hit int8)")
	id, hit := pgColumn(t, db, "t", "id"), pgColumn(t, db, "t", "hit")
	guards := []dialect.Column{pgColumn(t, db, "t", "v"), pgColumn(t, db, "t", "w")}
	read := [][]any{{nil, nil}, {int64(1), nil}, {nil, "a"}, {int64(0), ""}, {nil, nil}}
	for _, batch := range [][]int{{0, 1, 2, 3, 4}, {3, 2, 1, 0}, {0, 2, 4}, {0, 1, 4}, {0, 4}, {1, 3}} {
		for moved := range batch { // the row that the app has written meanwhile, in either column
			for column, other := range map[string]string{"v": "7", "w": "'x'"} {
				exec(t, db, "DELETE FROM t")
				exec(t, db, "INSERT INTO t VALUES (0, NULL, NULL), (1, 1, NULL), (2, NULL, 'a'), (3, 0, ''), (4, NULL, NULL)")
				u := dialect.Update{Table: `t AS "x"`, Keys: []dialect.Column{id}, Sets: []dialect.Column{hit}, Guards: guards}
				for _, row := range batch {
					u.Rows = append(u.Rows, dialect.Row{Key: []any{int64(row)}, Set: []any{int64(1)}, Guard: read[row]})
				}
				exec(t, db, fmt.Sprintf("UPDATE t SET %[1]s = CASE WHEN %[1]s IS NULL THEN %[2]s END WHERE id = %[3]d", column, other, batch[moved]))
				if n, err := pgWrite(t, db, u); err != nil || n != len(batch)-1 {
					t.Errorf("%v: %d rows were written (%v), want all but row %d", batch, n, err, batch[moved])
				}
				for i, row := range u.Rows {
					if row.Changed != (i != moved) {
						t.Errorf("%v, row %d has another %s now: changed of row %d is %t", batch, batch[moved], column, batch[i], row.Changed)
					}
				}
			}
		}
	}
}

// pgRead reads the values of a column as the engine does.
func pgRead(t testing.TB, db *bun.DB, table string, c dialect.Column) []any {
	t.Helper()
	d := must2(dialect.For(db))(t)
	var all []any
	err := d.Read(t.Context(), db, dialect.Limits{}, func(ctx context.Context, q dialect.Querier) error {
		rows, err := q.QueryContext(ctx, "SELECT "+d.Raw(c)+" FROM "+table+" ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var raw any
			if err := rows.Scan(&raw); err != nil {
				return err
			}
			all = append(all, d.Load(c, raw))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", strings.TrimSpace(c.Type), err)
	}
	return all
}
