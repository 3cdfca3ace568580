package dialect_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// declared are column types as apps declare them, whose affinity, collation or
// conversion by the driver might blur a comparison.
func declared() []string {
	return []string{
		"", "INTEGER", "REAL", "NUMERIC", "DECIMAL(10,2)", "TEXT", "VARCHAR(3)", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "BLOB",
		"DATE", "DATETIME", "TIMESTAMP", "TIME", "BOOLEAN", "JSON",
	}
}

// stored are SQL expressions of values that are alike to a careless eye.
func stored() []string {
	return []string{
		"NULL", "0", "1", "2", "-1", "0.0", "-0.0", "1.0", "1.5", "'0'", "'1'", "'1.0'", "'1.50'", "' 1'", "''", "' '", "'a'", "'A'", "'a '", "'å'", "'Å'",
		"x''", "x'00'", "x'31'", "x'61'", "'NULL'", "'null'", "'true'", "char(97, 0)", "char(97, 0, 98)", "CAST(x'ff' AS TEXT)", "CAST(x'fe' AS TEXT)",
		"9007199254740992", "9007199254740993", "9007199254740992.0", "9223372036854775807", "-9223372036854775808", "0.1", "0.1 + 0.2", "0.3",
		"1e308 * 10", "-1e308 * 10", "5e-324",
		"'2024-01-02'", "'2024-01-02 00:00:00'", "'2024-01-02 03:04:05'", "'2024-01-02T03:04:05Z'", "'2024-01-02 03:04:05+00:00'",
		"'2024-01-02 03:04:05.000'", "'2024-01-02 03:04:05.123456789'", "'2024-01-02 05:04:05+02:00'", "1704164645", "1704164645000", "'{\"a\":1}'", "'{\"a\": 1}'",
	}
}

// The guard is true for the very bytes that were read, else the row would never
// be written, and false for all others, else a user's change would be
// overwritten (I3). Each value is read, and its guard then tried on all values.
func TestGuardHoldsForTheBytesThatWereReadAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, decl := range declared() {
		t.Run("type "+decl, func(t *testing.T) {
			t.Parallel()
			db := memory(t)
			exec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v "+decl+", hit INTEGER)")
			for i, expr := range stored() {
				exec(t, db, "INSERT INTO t (id, v) VALUES (?, "+expr+")", i)
			}
			is := identities(t, db)
			for i, expr := range stored() {
				raw := readRaw(t, db, i)
				hit := guarded(t, db, i, raw)
				for j, other := range stored() {
					if want := is[i] == is[j]; hit[j] != want && !equalNumbers(is[i], is[j]) {
						t.Errorf("%s (%s) reads as %#v; while the column holds %s (%s) its guard is %t, want %t", expr, is[i], raw, other, is[j], hit[j], want)
					}
				}
			}
		})
	}
}

// equalNumbers excuses the one difference that SQLite's comparison does not
// see: an integer and a float of the same number, in a column that keeps both.
func equalNumbers(a, b string) bool {
	kindA, textA, _ := strings.Cut(a, " ")
	kindB, textB, _ := strings.Cut(b, " ")
	if kindA == kindB || (kindA != "integer" && kindA != "real") || (kindB != "integer" && kindB != "real") {
		return false
	}
	x, okA := new(big.Rat).SetString(textA)
	y, okB := new(big.Rat).SetString(textB)
	return okA && okB && x.Cmp(y) == 0
}

// readRaw reads a value as the engine does.
func readRaw(t *testing.T, db *bun.DB, id int) any {
	t.Helper()
	var raw any
	if err := db.QueryRowContext(t.Context(), "SELECT "+dialectOf(t, db).Raw(dialect.Column{SQL: `"v"`})+" FROM t WHERE id = ?", id).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// guarded marks the rows that a write with that guard finds, and returns them.
func guarded(t *testing.T, db *bun.DB, mark int, raw any) map[int]bool {
	t.Helper()
	u := dialect.Update{Table: `"t" AS "x"`, Keys: columns(`"id"`), Sets: columns(`"hit"`), Guards: columns(`"v"`), Where: "1 = 1"}
	for id := range stored() {
		u.Rows = append(u.Rows, dialect.Row{Key: []any{int64(id)}, Set: []any{int64(mark)}, Guard: []any{raw}})
	}
	n, err := write(t, db, u)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	if err := db.NewRaw("SELECT id FROM t WHERE hit = ?", mark).Scan(t.Context(), &ids); err != nil {
		t.Fatal(err)
	}
	if len(ids) != n {
		t.Errorf("Write says that it changed %d rows, and changed %d", n, len(ids))
	}
	hit := map[int]bool{}
	for _, id := range ids {
		hit[id] = true
	}
	return hit
}

// identities is what the database itself says is stored, as text.
func identities(t *testing.T, db *bun.DB) []string {
	t.Helper()
	var is []string
	err := db.NewRaw("SELECT typeof(v) || ' ' || CASE typeof(v) WHEN 'integer' THEN CAST(v AS TEXT) WHEN 'real' THEN printf('%!.26g', v) ELSE hex(v) END FROM t ORDER BY id").
		Scan(t.Context(), &is)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func TestRawReadsTimesAsTheyAreStored(t *testing.T) {
	t.Parallel()
	for _, decl := range []string{"DATE", "DATETIME", "TIMESTAMP"} {
		db := memory(t)
		exec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v "+decl+")")
		for _, text := range []string{"2024-01-02", "2024-01-02 03:04:05", "2024-01-02T03:04:05Z", "2024-01-02 05:04:05.5+02:00"} {
			exec(t, db, "INSERT OR REPLACE INTO t (id, v) VALUES (1, ?)", text)
			if got := readRaw(t, db, 1); got != text {
				t.Errorf("%s: %q reads as %#v", decl, text, got)
			}
		}
		var converted any
		if err := db.QueryRowContext(t.Context(), "SELECT v FROM t").Scan(&converted); err != nil {
			t.Fatal(err)
		}
		if _, ok := converted.(time.Time); !ok {
			t.Errorf("%s: the driver converts nothing (%T), so this test shows nothing", decl, converted)
		}
	}
}

// A row whose guard fails is left alone, and those beside it are written.
func TestWriteLeavesRowsThatMovedOn(t *testing.T) {
	t.Parallel()
	db := memory(t)
	exec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE, w TEXT)")
	exec(t, db, "INSERT INTO t VALUES (1, 'a', NULL), (2, 'A', NULL), (3, NULL, NULL), (4, 'a', 'done')")
	u := dialect.Update{
		Table: `"t" AS "x"`, Keys: columns(`"id"`), Sets: columns(`"w"`), Guards: columns(`"v"`), Where: "w IS NULL OR 1 = 0",
	}
	for id := range int64(5) {
		u.Rows = append(u.Rows, dialect.Row{Key: []any{id}, Set: []any{"new"}, Guard: []any{"a"}})
	}
	n, err := write(t, db, u)
	if err != nil || n != 1 {
		t.Errorf("Write = %d, %v; want 1 row", n, err)
	}
	var got []string
	if err := db.NewRaw("SELECT ifnull(w, '-') FROM t ORDER BY id").Scan(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	if want := []string{"new", "-", "-", "done"}; !slices.Equal(got, want) {
		t.Errorf("the rows hold %v, want %v", got, want)
	}
}

func TestWriteRefusesAKeyThatIsNotUnique(t *testing.T) {
	t.Parallel()
	db := memory(t)
	exec(t, db, "CREATE TABLE t (id INTEGER, v TEXT)")
	exec(t, db, "INSERT INTO t VALUES (1, 'a'), (1, 'b')")
	n, err := write(t, db, dialect.Update{
		Table: `"t" AS "x"`, Keys: columns(`"id"`), Sets: columns(`"v"`), Where: "1 = 1",
		Rows: []dialect.Row{{Key: []any{int64(1)}, Set: []any{"new"}}},
	})
	if err == nil {
		t.Errorf("Write changed %d rows by one key, want an error", n)
	}
}
