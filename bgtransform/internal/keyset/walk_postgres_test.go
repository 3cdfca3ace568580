package keyset_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// postgresKey is a primary key as apps have them.
type postgresKey struct {
	name    string
	types   string // made before the table
	columns string
	key     string // in the index's order
	values  string // of the columns, of the number i
	max     int    // the largest i; 0: any
}

// postgresLetters begin texts that collations sort in different ways.
const postgresLetters = "(ARRAY['É','e','Z','a ','☃','','ß','ä-','A_'])[1 + i % 9]"

func postgresKeys() []postgresKey {
	moment := "timestamptz '2024-03-31 00:59:59.5+00' + i * interval '1.234567 seconds'"
	word := postgresLetters + " || to_hex(i * 7919)"
	return []postgresKey{
		{name: "an integer", columns: "a int4", key: "a", values: "i * 7 - 2000"},
		{name: "a bigint", columns: "a int8", key: "a", values: "i * 40000000000000 - 4000000000000000000"},
		{name: "a smallint", columns: "a int2", key: "a", values: "i - 30000", max: 60000},
		{name: "a UUID", columns: "a uuid", key: "a", values: "CAST(md5(CAST(i AS text)) AS uuid)"},
		{name: "a text in the database's collation", columns: "a text", key: "a", values: word},
		{name: "a text by its bytes", columns: `a text COLLATE "C"`, key: "a", values: word},
		{name: "a text as English sorts", columns: `a text COLLATE "en-x-icu"`, key: "a", values: word},
		{name: "a varchar as German sorts", columns: `a varchar(50) COLLATE "de-x-icu"`, key: "a", values: word},
		{
			name:  "a text that ignores case",
			types: "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)", columns: "a text COLLATE nocase", key: "a",
			values: "(ARRAY['É','e','Z','A_','ß','☃'])[1 + i % 6] || CASE WHEN i % 2 = 0 THEN 'x' ELSE 'X' END || to_hex(i * 7919)",
		},
		{name: "a citext", types: "CREATE EXTENSION citext", columns: "a citext", key: "a", values: "CASE WHEN i % 2 = 0 THEN 'x' ELSE 'X' END || to_hex(i * 7919)"},
		{name: "a char(n)", columns: "a char(30)", key: "a", values: "(ARRAY['É','e','Z','a b','☃','','ß'])[1 + i % 7] || to_hex(i * 7919)"},
		{name: "bytes", columns: "a bytea", key: "a", values: `decode(md5(CAST(i AS text)), 'hex') || CASE WHEN i % 2 = 0 THEN bytea '\x00' ELSE '' END`},
		{name: "a numeric", columns: "a numeric", key: "a", values: "(i - 300) / 7.0 + 12345678901234567890"},
		{name: "a numeric with its special values", columns: "a numeric", key: "a", values: "CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE CAST(i AS numeric) END"},
		{name: "a float", columns: "a float8", key: "a", values: "CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE (i - 300) / CAST(7 AS float8) END"},
		{name: "a real", columns: "a float4", key: "a", values: "CAST(i AS float4) / 7"},
		{name: "a date", columns: "a date", key: "a", values: "date '0044-03-15 BC' + i"},
		{name: "a timestamp", columns: "a timestamp", key: "a", values: "timestamp '2024-03-31 01:59:59.5' + i * interval '1.234567 seconds'"},
		{name: "a moment", columns: "a timestamptz", key: "a", values: "CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' ELSE " + moment + " END"},
		{name: "an address", columns: "a inet", key: "a", values: "set_masklen(inet '10.0.0.0' + i, 8 + i % 25)"},
		{name: "a domain", types: "CREATE DOMAIN code AS varchar(40) CHECK (value <> '')", columns: "a code", key: "a", values: "'c' || " + word},
		{name: "a label", types: "CREATE TYPE mood AS ENUM ('z', 'b', 'a', 'c d')", columns: "a mood", key: "a", values: "CAST((ARRAY['z','b','a','c d'])[i] AS mood)", max: 4},
		{name: "a label before an integer", types: "CREATE TYPE mood AS ENUM ('z', 'b', 'a')", columns: "a mood, b int8", key: "a, b", values: "CAST((ARRAY['z','b','a'])[1 + i % 3] AS mood), i"},
		{name: "two integers", columns: "a int4, b int4", key: "a, b", values: "i / 50, i % 50"},
		{name: "few before many", columns: "a int4, b int8", key: "a, b", values: "i % 3, i"},
		{name: "in another order", columns: "a int4, b int2", key: "b, a", values: "i, i % 50"},
		{name: "a truth before a UUID", columns: "a bool, b uuid", key: "a, b", values: "i % 2 = 0, CAST(md5(CAST(i AS text)) AS uuid)"},
		{
			name: "three of all kinds", columns: `a text COLLATE "en-x-icu", b timestamptz, c numeric`, key: "a, b, c",
			values: "(ARRAY['x','Y','é'])[1 + i % 3], timestamptz '2024-01-01' + i / 60 * interval '1 hour', 18446744073709551000 + i % 20 + i / 20",
		},
	}
}

// postgres is a database in which each kind of key has a schema of its own.
type postgres string

func newPostgres(t *testing.T) postgres {
	t.Helper()
	return postgres(testserver.SharedPostgres(t).Database(t))
}

// open opens the schema of a kind of key, on a single connection.
func (dsn postgres) open(t *testing.T, k postgresKey, options string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("pgx", string(dsn)+"&search_path="+k.schema()+",public"+options)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	db := bun.NewDB(pool, pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (k postgresKey) schema() string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ()'", r) {
			return '_'
		}
		return unicode.ToLower(r)
	}, k.name)
}

// fill makes a table of n rows at most, in no order.
func (dsn postgres) fill(t *testing.T, k postgresKey, n int) {
	t.Helper()
	db := dsn.open(t, k, "")
	n = min(n, cmp.Or(k.max, n))
	columns := strings.ReplaceAll(names(k.columns), " ", ", ")
	for _, query := range []string{
		"CREATE SCHEMA " + k.schema(),
		k.types,
		"CREATE TABLE t (" + k.columns + ", filler text)",
		fmt.Sprintf("INSERT INTO t (%s, filler) SELECT %s, repeat('.', 60) FROM generate_series(1, %d) AS i ORDER BY hashint4(i)", columns, k.values, n),
		"ALTER TABLE t ADD PRIMARY KEY (" + k.key + ")",
		"ANALYZE t",
	} {
		exec(t, db, query)
	}
}

func postgresWalk(t *testing.T, db *bun.DB) keyset.Walk {
	t.Helper()
	d := dialectOf(t, db)
	cols, err := d.Columns(t.Context(), db, dialect.Table{Name: "t", SQL: `"t"`})
	if err != nil {
		t.Fatal(err)
	}
	return walkOver(d, cols, `"`)
}

// texts returns the keys that match a condition, in the key's order.
func (k postgresKey) texts(t *testing.T, db *bun.DB, cond string, args ...any) []string {
	t.Helper()
	rows, err := bound(t, db).QueryContext(t.Context(), "SELECT concat_ws('|', "+k.key+") FROM t AS x WHERE "+cond+" ORDER BY "+k.key, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Each key is visited once, in the order of the index, through cursors as they
// are stored; a range holds as many rows as it says. So in any session's time
// zone, and in each way in which the driver binds values.
func TestWalkOnPostgresVisitsEveryKeyOnce(t *testing.T) {
	t.Parallel()
	dsn := newPostgres(t)
	for _, k := range postgresKeys() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dsn.fill(t, k, 600)
			for _, options := range []string{"", "&default_query_exec_mode=simple_protocol", "&default_query_exec_mode=exec&timezone=America/St_Johns"} {
				db := dsn.open(t, k, options)
				want := k.texts(t, db, "true")
				if k.max == 0 && len(want) != 600 {
					t.Fatalf("there are %d keys", len(want))
				}
				if got := k.visited(t, db); !slices.Equal(got, want) {
					t.Errorf("%s: the walk visits %d keys, %v…, want %d, %v…", options, len(got), got[:min(3, len(got))], len(want), want[:3])
				}
			}
		})
	}
}

// visited walks to the end in ranges of 37 keys, and returns the rows of each.
func (k postgresKey) visited(t *testing.T, db *bun.DB) (got []string) {
	t.Helper()
	w := postgresWalk(t, db)
	var after keyset.Key
	for {
		r, err := w.Next(t.Context(), bound(t, db), after, 37)
		if err != nil {
			t.Fatal(err)
		}
		cond, args := w.Within(r)
		part := k.texts(t, db, cond, args...)
		if len(part) != r.N {
			t.Fatalf("a range of %d keys holds %d rows", r.N, len(part))
		}
		got = append(got, part...)
		if r.Last {
			return got
		}
		after = mustDecode(t, mustEncode(t, r.Hi))
	}
}

// keyAt returns the key that has n others before it.
func (k postgresKey) keyAt(t *testing.T, db *bun.DB, w keyset.Walk, n int) keyset.Key {
	t.Helper()
	key := make(keyset.Key, len(w.Keys))
	raw, dest := make([]string, len(key)), make([]any, len(key))
	for i, c := range w.Keys {
		raw[i], dest[i] = w.Dialect.Raw(c), &key[i]
	}
	query := fmt.Sprintf("SELECT %s FROM t AS x ORDER BY %s OFFSET %d LIMIT 1", strings.Join(raw, ", "), w.Order(), n)
	if err := bound(t, db).QueryRowContext(t.Context(), query).Scan(dest...); err != nil {
		t.Fatal(err)
	}
	for i, c := range w.Keys {
		key[i] = w.Dialect.Load(c, key[i])
	}
	return key
}
