package keyset_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// shape is a kind of table to walk.
type shape struct {
	name    string
	table   string   // quoted
	keys    []string // quoted, in the key's order
	columns string   // as in CREATE TABLE
	values  []*rapid.Generator[any]
	options string // after the columns
}

func ints() *rapid.Generator[any]   { return rapid.Int64().AsAny() }
func small() *rapid.Generator[any]  { return rapid.Int64Range(-3, 3).AsAny() }
func texts() *rapid.Generator[any]  { return rapid.StringMatching(`[aAbBéÉ'"?\\ ☃]{0,3}`).AsAny() }
func blobs() *rapid.Generator[any]  { return rapid.SliceOfN(rapid.Byte(), 0, 3).AsAny() }
func floats() *rapid.Generator[any] { return rapid.Float64().AsAny() }

func gens(g ...*rapid.Generator[any]) []*rapid.Generator[any] { return g }

func shapes() []shape {
	return []shape{
		{"integer", `"t"`, []string{`"id"`}, `"id" INTEGER PRIMARY KEY`, gens(ints()), ""},
		{"text", `"t"`, []string{`"k"`}, `"k" TEXT NOT NULL PRIMARY KEY`, gens(texts()), ""},
		{"text that ignores case", `"t"`, []string{`"k"`}, `"k" TEXT COLLATE NOCASE NOT NULL PRIMARY KEY`, gens(texts()), ""},
		{"text that ignores trailing blanks", `"t"`, []string{`"k"`}, `"k" TEXT COLLATE RTRIM NOT NULL PRIMARY KEY`, gens(texts()), ""},
		{"blob", `"t"`, []string{`"k"`}, `"k" BLOB NOT NULL PRIMARY KEY`, gens(blobs()), ""},
		{"float", `"t"`, []string{`"k"`}, `"k" REAL NOT NULL PRIMARY KEY`, gens(floats()), ""},
		{"of no type, with values of all", `"t"`, []string{`"k"`}, `"k" NOT NULL PRIMARY KEY`, gens(rapid.OneOf(small(), texts(), blobs())), ""},
		{"time", `"t"`, []string{`"k"`}, `"k" DATETIME NOT NULL PRIMARY KEY`, gens(rapid.StringMatching(`2024-0[1-9]-1[0-9]( 1[0-9]:00:00)?`).AsAny()), ""},
		{"two columns", `"t"`, []string{`"a"`, `"b"`}, `"a" TEXT NOT NULL, "b" INTEGER NOT NULL, PRIMARY KEY ("a", "b")`, gens(texts(), small()), ""},
		{
			"three columns", `"t"`,
			[]string{`"a"`, `"b"`, `"c"`},
			`"a" INTEGER NOT NULL, "b" TEXT COLLATE NOCASE NOT NULL, "c" BLOB NOT NULL, PRIMARY KEY ("a", "b", "c")`, gens(small(), texts(), blobs()), "",
		},
		{"without a rowid", `"t"`, []string{`"k"`}, `"k" TEXT PRIMARY KEY, "x" INTEGER`, gens(texts()), " WITHOUT ROWID"},
		{
			"two columns without a rowid", `"t"`,
			[]string{`"b"`, `"a"`},
			`"a" INTEGER, "b" INTEGER, PRIMARY KEY ("b", "a")`, gens(small(), small()), " WITHOUT ROWID",
		},
		{"reserved words", `"select"`, []string{`"order"`, `"group"`}, `"order" INTEGER NOT NULL, "group" TEXT NOT NULL, PRIMARY KEY ("order", "group")`, gens(small(), texts()), ""},
		{"odd names", `"my ""odd"" tablé; --"`, []string{`"a ""b"" ☃.c"`}, `"a ""b"" ☃.c" INTEGER PRIMARY KEY`, gens(small()), ""},
	}
}

func TestWalkVisitsEachKeyOnceInOrder(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s.create(t, db)
			rapid.Check(t, func(rt *rapid.T) {
				exec(rt, db, "DELETE FROM "+s.table)
				s.fill(rt, db, rapid.IntRange(0, 40).Draw(rt, "rows"))
				s.walkAll(rt, db, func() int { return rapid.IntRange(1, 15).Draw(rt, "limit") })
			})
		})
	}
}

func TestAnyOfFindsExactlyItsKeys(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s.create(t, db)
			rapid.Check(t, func(rt *rapid.T) {
				exec(rt, db, "DELETE FROM "+s.table)
				s.fill(rt, db, rapid.IntRange(0, 30).Draw(rt, "rows"))
				var want []string
				var picked []keyset.Key
				for _, text := range s.all(rt, db, "1 = 1") {
					if rapid.Bool().Draw(rt, "picked") {
						want, picked = append(want, text), append(picked, mustDecode(rt, text))
					}
				}
				cond, args := s.walk(t, db).AnyOf(picked)
				if diff := cmp.Diff(want, s.all(rt, db, "("+cond+")", args...)); diff != "" {
					rt.Fatalf("AnyOf (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A chain of as many ORs would be deeper than SQLite lets an expression nest (1000).
func TestAnyOfTakesAsManyKeysAsAQuarantineHolds(t *testing.T) {
	t.Parallel()
	many, tried := 5000, shapes()
	if raceEnabled { // one shape for each number of columns
		columns := func(a, b shape) int { return len(a.keys) - len(b.keys) }
		slices.SortStableFunc(tried, columns)
		tried = slices.CompactFunc(tried, func(a, b shape) bool { return columns(a, b) == 0 })
		many = 1100
	}
	for _, s := range tried {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s.create(t, db)
			key := make(keyset.Key, len(s.keys))
			for i := range key {
				key[i] = int64(7)
			}
			cond, args := s.walk(t, db).AnyOf(slices.Repeat([]keyset.Key{key}, many))
			if got := s.all(t, db, "NOT ("+cond+")", args...); len(got) != 0 {
				t.Errorf("found %v in an empty table", got)
			}
		})
	}
}

func TestWalkOfAnEmptyTable(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s.create(t, db)
			r, err := s.walk(t, db).Next(t.Context(), bound(t, db), nil, 10)
			if err != nil || r.N != 0 || r.Hi != nil || !r.Last {
				t.Errorf("Next = %+v, %v; want an empty last range", r, err)
			}
			if cond, args := s.walk(t, db).Within(r); cond != "1 = 0" || args != nil {
				t.Errorf("Within(empty) = %q, %v", cond, args)
			}
		})
	}
}

// A broken connection or a missing table is never "no rows" (I5).
func TestNextFailsLoudly(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		db := open(t)
		if r, err := s.walk(t, db).Next(t.Context(), bound(t, db), nil, 10); err == nil {
			t.Errorf("%s: Next without a table = %+v, want an error", s.name, r)
		}
		s.create(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r, err := s.walk(t, db).Next(ctx, bound(t, db), nil, 10); err == nil {
			t.Errorf("%s: Next in an ended context = %+v, want an error", s.name, r)
		}
	}
}

// A batch is a range of the index: the walk neither scans the table nor sorts (I4).
func TestWalkIsServedByTheIndex(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s.create(t, db)
			key := make(keyset.Key, len(s.keys))
			for i := range key {
				key[i] = int64(1)
			}
			cond, args := s.walk(t, db).Within(keyset.Range{Lo: key, Hi: key, N: 1})
			query := "EXPLAIN QUERY PLAN SELECT 1 FROM " + s.table + " AS x WHERE " + cond + " ORDER BY " + strings.Join(s.keys, ", ")
			rows, err := bound(t, db).QueryContext(t.Context(), query, args...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan strings.Builder
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				plan.WriteString(detail + "\n")
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if got := plan.String(); !strings.Contains(got, "SEARCH") || strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("plan of a range:\n%swant a search by the index, without a sort", got)
			}
		})
	}
}

func (s shape) walk(t fataler, db *bun.DB) keyset.Walk {
	t.Helper()
	w := keyset.Walk{Dialect: dialectOf(t, db), Table: s.table + " AS x", Alias: "x"}
	for _, k := range s.keys {
		w.Keys = append(w.Keys, dialect.Column{SQL: k})
	}
	return w
}

// walkAll walks the table and compares what it visits with one plain query.
func (s shape) walkAll(t fataler, db *bun.DB, limit func() int) {
	t.Helper()
	want := s.all(t, db, "1 = 1")
	w := s.walk(t, db)
	var got []string
	var after keyset.Key
	for range len(want) + 2 {
		n := limit()
		r, err := w.Next(context.Background(), bound(t, db), after, n)
		if err != nil {
			t.Fatalf("Next after %v: %v", after, err)
		}
		cond, args := w.Within(r)
		part := s.all(t, db, cond, args...)
		if len(part) != r.N || r.N > n {
			t.Fatalf("Next(%v, %d) says %d keys up to %v, Within finds %d", after, n, r.N, r.Hi, len(part))
		}
		if r.N > 0 && mustEncode(t, r.Hi) != part[len(part)-1] {
			t.Fatalf("Hi is %s, the last key of the range %s", mustEncode(t, r.Hi), part[len(part)-1])
		}
		if r.Last != (r.N < n) {
			t.Fatalf("Last = %t with %d of %d keys", r.Last, r.N, n)
		}
		got = append(got, part...)
		if r.Last {
			break
		}
		// The cursor goes through its text, as it does between two attempts.
		after = mustDecode(t, mustEncode(t, r.Hi))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("keys visited (-want +got):\n%s", diff)
	}
}

// all returns the keys that match a condition, in the key's order.
func (s shape) all(t fataler, db *bun.DB, cond string, args ...any) []string {
	t.Helper()
	rows, err := bound(t, db).QueryContext(context.Background(),
		"SELECT +"+strings.Join(s.keys, ", +")+" FROM "+s.table+" AS x WHERE "+cond+" ORDER BY "+strings.Join(s.keys, ", "), args...)
	if err != nil {
		t.Fatalf("select keys: %v", err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		key := make(keyset.Key, len(s.keys))
		dest := make([]any, len(key))
		for i := range key {
			dest[i] = &key[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatalf("scan keys: %v", err)
		}
		found = append(found, mustEncode(t, key))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read keys: %v", err)
	}
	return found
}

func (s shape) create(t fataler, db *bun.DB) {
	t.Helper()
	exec(t, db, "CREATE TABLE "+s.table+" ("+s.columns+")"+s.options)
}

func (s shape) fill(t *rapid.T, db *bun.DB, n int) {
	t.Helper()
	for range n {
		values := make([]any, len(s.keys))
		for i, g := range s.values {
			values[i] = g.Draw(t, s.keys[i])
		}
		s.insert(t, db, values...)
	}
}

// insert binds the values, past bun, so that they are stored as they are.
func (s shape) insert(t fataler, db *bun.DB, values ...any) {
	t.Helper()
	exec(t, db, fmt.Sprintf("INSERT OR IGNORE INTO %s (%s) VALUES (?%s)",
		s.table, strings.Join(s.keys, ", "), strings.Repeat(", ?", len(values)-1)), values...)
}

func dialectOf(t fataler, db *bun.DB) *dialect.Dialect {
	t.Helper()
	d, err := dialect.For(db)
	if err != nil {
		t.Fatalf("dialect: %v", err)
	}
	return d
}

func bound(t fataler, db *bun.DB) dialect.Querier {
	t.Helper()
	return dialectOf(t, db).Bound(db)
}

func exec(t fataler, db *bun.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.DB.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// open returns a database in memory with one connection.
func open(t *testing.T) *bun.DB {
	t.Helper()
	conn, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	conn.SetMaxOpenConns(1)
	db := bun.NewDB(conn, sqlitedialect.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}
