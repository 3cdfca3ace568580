package dialect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// mysqlTypes are column types with values of them that are alike to a careless
// eye, and an expression (of v) that tells one stored value from another.
func mysqlTypes() []struct{ decl, identity, values string } {
	texts := "NULL|''|' '|'a'|'A'|'a '|'å'|'ä'|'ss'|'ß'|'1'|'1.0'|'01'|'NULL'|'null'|'e'|'é'|'\\\\\\\\'|'\"'|''''|'a\\nb'|'a\\tb'"
	wide := texts + "|'a\\0'|'a\\0b'|_utf8mb4 X'65CC81'|'☃'|'𝄞'"
	bytes := "NULL|X''|X'00'|X'0000'|X'61'|X'41'|X'6100'|X'6120'|X'FF'|X'FE'|X'C3A9'|X'E9'"
	number := "NULL|0|1|-1|2|127|-128"
	return []struct{ decl, identity, values string }{
		{"TINYINT", "v", number},
		{"BOOLEAN", "v", number},
		{"INT", "v", number + "|2147483647|-2147483648"},
		{"INT(9) ZEROFILL", "v", "NULL|0|1|2|4294967295"},
		{"BIGINT", "v", number + "|9223372036854775807|-9223372036854775808|9007199254740993|9007199254740992"},
		{"BIGINT UNSIGNED", "v", "NULL|0|1|9223372036854775807|9223372036854775808|18446744073709551615|18446744073709551614"},
		{"DOUBLE", "CAST(v AS CHAR)", "NULL|0|1|-1|0.1e0|0.3e0|0.1e0+0.2e0|1e308|5e-324|9007199254740992|123456789.123456789e0|1.7976931348623157e308"},
		{"FLOAT", "CAST(CAST(v AS DOUBLE) AS CHAR)", "NULL|0|1|0.1|0.3|16777216|16777215|1.1754944e-38|3.4028235e38|0.10000001|0.1000000089"},
		{"DECIMAL(10,2)", "CAST(v AS CHAR)", "NULL|0|1|1.5|1.50|-1.5|99999999.99"},
		{"DECIMAL(65,30)", "CAST(v AS CHAR)", "NULL|0|1|0.000000000000000000000000000001|12345678901234567890123456789012345.123456789012345678901234567890|12345678901234567890123456789012345.123456789012345678901234567891"},
		{"VARCHAR(20) COLLATE utf8mb4_general_ci", "HEX(v)", wide},
		{"VARCHAR(20) COLLATE utf8mb4_unicode_ci", "HEX(v)", wide},
		{"VARCHAR(20) COLLATE utf8mb4_bin", "HEX(v)", wide},
		{"VARCHAR(20) CHARACTER SET utf8mb3", "HEX(v)", texts + "|'☃'"},
		{"VARCHAR(20) CHARACTER SET latin1", "HEX(v)", texts},
		{"VARCHAR(20) CHARACTER SET utf16", "HEX(v)", wide},
		{"CHAR(5)", "HEX(v)", texts},
		{"LONGTEXT", "HEX(v)", wide + "|repeat('x', 70000)|concat(repeat('x', 69999), 'y')"},
		{"JSON", "HEX(v)", `NULL|'{}'|'{"a":1}'|'{"a": 1}'|'{"a":1.0}'|'null'|'"null"'|'[1,2]'`},
		{"VARBINARY(20)", "HEX(v)", bytes},
		{"BINARY(3)", "HEX(v)", bytes},
		{"LONGBLOB", "HEX(v)", bytes},
		{"BIT(1)", "v + 0", "NULL|0|1"},
		{"BIT(64)", "v + 0", "NULL|0|1|9223372036854775808|18446744073709551615|97"},
		{"ENUM('b','a','c','1','')", "v + 0", "NULL|'b'|'a'|'1'|''"},
		{"SET('x','y')", "v + 0", "NULL|''|'x'|'y'|'x,y'"},
		{"DATE", "CAST(v AS CHAR)", "NULL|'2024-01-02'|'2024-02-01'|'0000-00-00'|'1000-01-01'"},
		{"DATETIME", "CAST(v AS CHAR)", "NULL|'2024-01-02'|'2024-01-02 03:04:05'|'2024-03-31 02:30:00'|'0000-00-00'"},
		{"DATETIME(6)", "CAST(v AS CHAR)", "NULL|'2024-01-02 03:04:05'|'2024-01-02 03:04:05.000001'|'2024-01-02 03:04:05.999999'"},
		{"TIMESTAMP(3) NULL", "UNIX_TIMESTAMP(v)", "NULL|'2024-01-02 03:04:05'|'2024-01-02 03:04:05.001'|FROM_UNIXTIME(1729989000)|FROM_UNIXTIME(1729992600)"},
		{"TIME(2)", "CAST(v AS CHAR)", "NULL|'00:00:00'|'-00:00:01'|'00:00:01'|'00:00:01.01'|'838:59:59'"},
		{"YEAR", "CAST(v AS CHAR)", "NULL|'0000'|'2000'|1999|2024"},
		{"UUID", "CAST(v AS CHAR)", "NULL|'00000000-0000-0000-0000-000000000000'|'018f4c2e-0000-7000-8000-000000000001'|'018f4c2e-0000-7000-8000-000000000002'"},
		{"INET4", "CAST(v AS CHAR)", "NULL|'1.2.3.4'|'0.0.0.0'"},
		{"INET6", "CAST(v AS CHAR)", "NULL|'::1'|'::'|'::ffff:1.2.3.4'|'2001:db8::1'"},
		{"POINT", "HEX(v)", "NULL|POINT(1,2)|POINT(2,1)|POINT(0,0)"},
	}
}

// mysqlConnections are ways in which apps connect. None may make a difference.
// The zone is one in which an hour of the year comes twice.
func mysqlConnections() map[string][]string {
	return map[string][]string{
		"as usual":           nil,
		"text protocol":      {"interpolateParams=true"},
		"times as they are":  {"parseTime=false"},
		"latin1":             {"charset=latin1"},
		"another collation":  {"collation=utf8mb4_bin", "loc=Europe%2FBerlin"},
		"found rows":         {"clientFoundRows=true"},
		"ANSI":               {"sql_mode=%27ANSI%27"},
		"a zone with summer": {"time_zone=%27SYSTEM%27", "interpolateParams=true", "parseTime=true", "loc=Local"},
	}
}

// The guard is true for the very bytes that were read and false for all others,
// in the statement for many rows and in the one for a single row (I3).
func TestGuardOnMariaDBHoldsForTheBytesThatWereReadAndNoOthers(t *testing.T) {
	t.Parallel()
	for name, options := range mysqlConnections() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := mariadb(t)
			var at string
			if err := setup.QueryRowContext(t.Context(), "SELECT database()").Scan(&at); err != nil {
				t.Fatal(err)
			}
			db := mariadbAt(t, testserver.SharedMariaDB(t).DSN(at), options...)
			for i, typ := range mysqlTypes() {
				if name != "as usual" && i%3 != len(name)%3 {
					continue // the whole product is too much for each run
				}
				guardsOf(t, setup, db, fmt.Sprint("t", i), typ.decl, typ.identity, strings.Split(typ.values, "|"))
			}
		})
	}
}

var errUndo = errors.New("undo")

func guardsOf(t *testing.T, setup, db *bun.DB, table, decl, identity string, values []string) {
	t.Helper()
	exec(t, setup, "CREATE TABLE "+table+" (id INT PRIMARY KEY, v "+decl+", hit INT)")
	for i, v := range values {
		exec(t, setup, "SET STATEMENT sql_mode = '' FOR INSERT INTO "+table+" (id, v) VALUES ("+fmt.Sprint(i)+", "+v+")")
	}
	var is []string
	if err := setup.NewRaw("SELECT coalesce(CAST("+identity+" AS CHAR), '-') FROM "+table+" ORDER BY id").Scan(t.Context(), &is); err != nil {
		t.Fatal(err)
	}
	if len(is) != len(values) {
		t.Fatalf("%s: %d values of %d are stored", decl, len(is), len(values))
	}
	guard := describe(t, db, table, "v")
	for i := range values {
		raw := read(t, db, table, guard[0], i)
		for _, set := range []any{int64(i + 1), schema.Safe(fmt.Sprint(i + 1))} {
			hit := hits(t, db, table, guard, raw, set, len(values))
			for j := range values {
				if want := is[i] == is[j]; hit[j] != want {
					t.Errorf("%s: %s (%s) reads as %.60q; while the column holds %s (%s) its guard is %t, want %t (%T)",
						decl, values[i], is[i], fmt.Sprint(raw), values[j], is[j], hit[j], want, set)
				}
			}
		}
	}
}

// hits returns the rows that a write with that guard finds, and undoes it.
func hits(t *testing.T, db *bun.DB, table string, guard []dialect.Column, raw, set any, n int) []bool {
	t.Helper()
	u := dialect.Update{Table: table + " AS x", Keys: columns("id"), Sets: columns("hit"), Guards: guard}
	for id := range n {
		u.Rows = append(u.Rows, dialect.Row{Key: []any{int64(id)}, Set: []any{set}, Guard: []any{raw}})
	}
	hit := make([]bool, n)
	d := dialectOf(t, db)
	err := d.Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) error {
		changed, err := d.Write(ctx, tx, u)
		if err != nil {
			return err
		}
		var ids []int
		if err := tx.NewRaw("SELECT id FROM "+table+" WHERE hit IS NOT NULL").Scan(ctx, &ids); err != nil {
			return err
		}
		if len(ids) != changed {
			t.Errorf("Write says that it changed %d rows, and changed %d", changed, len(ids))
		}
		for _, id := range ids {
			hit[id] = true
		}
		for id, row := range u.Rows {
			if row.Changed != hit[id] {
				t.Errorf("Write says of row %d that it is %t that it changed", id, row.Changed)
			}
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatalf("guard %.60q (%T): %v", fmt.Sprint(raw), raw, err)
	}
	return hit
}

// A row whose guard fails is left alone, and those beside it are written.
func TestWriteOnMariaDBLeavesRowsThatMovedOn(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"clientFoundRows=false", "clientFoundRows=true"} {
		db := mariadb(t, options)
		exec(t, db, "CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR(10) COLLATE utf8mb4_general_ci, w VARCHAR(10), n INT)")
		exec(t, db, "INSERT INTO t VALUES (1, 'a', NULL, 1), (2, 'A', NULL, 2), (3, NULL, NULL, 3), (4, 'a', 'done', 4), (5, 'a', 'new', 5)")
		u := dialect.Update{
			Table: "t AS x", Keys: describe(t, db, "t", "id"), Sets: describe(t, db, "t", "w"), Guards: describe(t, db, "t", "v"),
			Where: "w IS NULL OR w = 'new'",
		}
		for id := range int64(7) {
			u.Rows = append(u.Rows, dialect.Row{Key: []any{id}, Set: []any{"new"}, Guard: []any{"a"}})
		}
		n, err := transact(t, db, u)
		if err != nil || n != 2 {
			t.Errorf("%s: Write = %d, %v; want 2 rows, of which one held the new value already", options, n, err)
		}
		var got []string
		if err := db.NewRaw("SELECT ifnull(w, '-') FROM t ORDER BY id").Scan(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
		if want := []string{"new", "-", "-", "done", "new"}; !slices.Equal(got, want) {
			t.Errorf("%s: the rows hold %v, want %v", options, got, want)
		}
		for id, row := range u.Rows {
			if want := id == 1 || id == 5; row.Changed != want {
				t.Errorf("%s: Write says of row %d that it is %t that it wrote it, want %t", options, id, row.Changed, want)
			}
		}
	}
}

func TestWriteOnMariaDBRefusesAKeyThatIsNotUnique(t *testing.T) {
	t.Parallel()
	db := mariadb(t)
	exec(t, db, "CREATE TABLE t (id BIGINT, v VARCHAR(10))")
	exec(t, db, "INSERT INTO t VALUES (1, 'a'), (1, 'b')")
	for _, set := range []any{"new", schema.Safe("'new'")} {
		n, err := transact(t, db, dialect.Update{
			Table: "t AS x", Keys: describe(t, db, "t", "id"), Sets: describe(t, db, "t", "v"),
			Rows: []dialect.Row{{Key: []any{int64(1)}, Set: []any{set}}},
		})
		if err == nil {
			t.Errorf("Write changed %d rows by one key, want an error", n)
		}
	}
}
