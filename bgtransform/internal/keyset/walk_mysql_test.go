package keyset_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// mysqlKeys are primary keys as apps have them, and a query that fills the
// table with 600 rows or less.
func mysqlKeys() map[string]struct{ columns, key, fill string } {
	n := "FROM (SELECT CAST(seq AS SIGNED) AS seq FROM seq_1_to_600) AS numbers"
	return map[string]struct{ columns, key, fill string }{
		"an integer":           {"a BIGINT", "a", "SELECT seq * 7 - 2000 " + n},
		"an unsigned integer":  {"a BIGINT UNSIGNED", "a", "SELECT 18446744073709551615 - seq * seq * 9000000000000 " + n},
		"a small unsigned":     {"a SMALLINT UNSIGNED", "a", "SELECT seq * 100 " + n},
		"a text":               {"a VARCHAR(50) COLLATE utf8mb4_general_ci", "a", "SELECT concat(elt(1 + seq % 6, 'É', 'e', 'Z', 'a ', '☃', ''), conv(seq * 7919, 10, 36)) " + n},
		"a text, by its bytes": {"a VARCHAR(50) COLLATE utf8mb4_bin", "a", "SELECT concat(elt(1 + seq % 6, 'É', 'e', 'E', 'a', '☃', ''), conv(seq * 7919, 10, 36)) " + n},
		"a text of latin1":     {"a VARCHAR(50) CHARACTER SET latin1", "a", "SELECT concat(elt(1 + seq % 4, 'É', 'ä', 'Z', 'ß'), seq) " + n},
		"a UUID":               {"a UUID", "a", "SELECT CAST(insert(insert(insert(insert(md5(seq), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-') AS UUID) " + n},
		"a UUID in bytes":      {"a BINARY(16)", "a", "SELECT unhex(md5(seq)) " + n},
		"a UUID in characters": {"a CHAR(36)", "a", "SELECT insert(insert(insert(insert(md5(seq), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-') " + n},
		"bytes":                {"a VARBINARY(20)", "a", "SELECT concat(unhex(md5(seq)), IF(seq % 2, X'00', '')) " + n},
		"a decimal":            {"a DECIMAL(40,10)", "a", "SELECT (seq - 300) / 7 + 12345678901234567890 " + n},
		"a date":               {"a DATE", "a", "SELECT '2020-02-20' + INTERVAL seq DAY " + n},
		"a moment":             {"a DATETIME(6)", "a", "SELECT '2024-03-31 01:59:59.5' + INTERVAL seq * 1234567 MICROSECOND " + n},
		"a time":               {"a TIME(3)", "a", "SELECT SEC_TO_TIME((seq - 300) * 1.5) " + n},
		"a label":              {"a ENUM('z','b','a','c')", "a", "SELECT elt(seq, 'a', 'b', 'c', 'z') FROM seq_1_to_4"},
		"a float":              {"a DOUBLE", "a", "SELECT (seq - 300) / 7e0 " + n},
		"two integers":         {"a INT, b INT", "a, b", "SELECT seq DIV 50, seq % 50 " + n},
		"in another order":     {"a INT, b INT", "b, a", "SELECT seq DIV 50, seq % 50 " + n},
		"three of all kinds": {
			"a VARCHAR(20) COLLATE utf8mb4_unicode_ci, b DATETIME, c BIGINT UNSIGNED", "a, b, c",
			"SELECT elt(1 + seq % 3, 'x', 'Y', 'é'), '2024-01-01' + INTERVAL seq DIV 60 HOUR, 18446744073709551000 + seq % 20 + seq DIV 20 " + n,
		},
	}
}

func mariadb(t *testing.T, options string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("mysql", testserver.SharedMariaDB(t).Database(t)+options)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(2) // the server is shared
	db := bun.NewDB(pool, mysqldialect.New())
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "ALTER DATABASE CHARACTER SET utf8mb4"); err != nil {
		t.Fatal(err)
	}
	return db
}

// mysqlWalk makes a table with such a key, and returns a walk over it.
func mysqlWalk(t *testing.T, db *bun.DB, columns, key, fill string) keyset.Walk {
	t.Helper()
	for _, query := range []string{
		"CREATE TABLE t (" + columns + ", filler VARCHAR(200) NOT NULL DEFAULT '', PRIMARY KEY (" + key + "))",
		"INSERT IGNORE INTO t (" + strings.ReplaceAll(names(columns), " ", ", ") + ") " + fill,
		"ANALYZE TABLE t",
	} {
		if _, err := db.DB.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	d, err := dialect.For(db)
	if err != nil {
		t.Fatal(err)
	}
	cols, err := d.Columns(t.Context(), db, dialect.Table{Name: "t"})
	if err != nil {
		t.Fatal(err)
	}
	return walkOver(d, cols, "`")
}

// walkOver is a walk over the table t, called x, by the columns of its key.
func walkOver(d *dialect.Dialect, cols []dialect.Column, quote string) keyset.Walk {
	w := keyset.Walk{Dialect: d, Table: "t AS x", Alias: "x"}
	slices.SortFunc(cols, func(a, b dialect.Column) int { return a.PK - b.PK })
	for _, c := range cols {
		if c.PK > 0 {
			c.SQL = quote + c.Name + quote
			w.Keys = append(w.Keys, c)
		}
	}
	return w
}

// names are the first words of column definitions.
func names(columns string) string {
	var all []string
	for c := range strings.SplitSeq(columns, ", ") {
		all = append(all, strings.Fields(c)[0])
	}
	return strings.Join(all, " ")
}

// Each key is visited once, in the order of the index, through cursors as they
// are stored; a range holds as many rows as it says.
func TestWalkOnMariaDBVisitsEveryKeyOnce(t *testing.T) {
	t.Parallel()
	for name, k := range mysqlKeys() {
		for _, options := range []string{"", "&interpolateParams=true&collation=utf8mb4_unicode_ci"} {
			t.Run(name+options, func(t *testing.T) {
				t.Parallel()
				db := mariadb(t, options)
				w := mysqlWalk(t, db, k.columns, k.key, k.fill)
				var want []string
				if err := db.NewRaw("SELECT concat_ws('|', "+k.key+") FROM t ORDER BY "+k.key).Scan(t.Context(), &want); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(k.fill, "_600") && len(want) < 400 {
					t.Fatalf("there are only %d keys", len(want))
				}
				if got := visited(t, db, w, k.key); !slices.Equal(got, want) {
					t.Errorf("the walk visits %d keys, %v…, want %d, %v…", len(got), got[:min(3, len(got))], len(want), want[:3])
				}
			})
		}
	}
}

// visited walks to the end in ranges of 37 keys, and returns the rows of each.
func visited(t *testing.T, db *bun.DB, w keyset.Walk, key string) (got []string) {
	t.Helper()
	var after keyset.Key
	q := w.Dialect.Bound(db)
	for {
		r, err := w.Next(t.Context(), q, after, 37)
		if err != nil {
			t.Fatal(err)
		}
		cond, args := w.Within(r)
		rows, err := q.QueryContext(t.Context(), "SELECT concat_ws('|', "+key+") FROM t AS x WHERE "+cond+" ORDER BY "+w.Order(), args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			got = append(got, text)
			n++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if n != r.N {
			t.Fatalf("a range of %d keys holds %d rows", r.N, n)
		}
		if r.Last {
			return got
		}
		text, err := r.Hi.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if after, err = keyset.Decode(text); err != nil {
			t.Fatal(err)
		}
	}
}

// I4: a range is read and updated by the index, without sorting and without looking at
// what lies before it. The server itself counts what it reads.
func TestI4WalkOnMariaDBReadsOnlyItsRange(t *testing.T) {
	t.Parallel()
	for name, k := range mysqlKeys() {
		if !strings.Contains(k.fill, "_600") {
			continue // a range of so few is the table
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := mariadb(t, "")
			db.SetMaxOpenConns(1) // the counters are the session's
			w := mysqlWalk(t, db, k.columns, k.key, k.fill)
			q := w.Dialect.Bound(db)
			var after keyset.Key
			for range 12 {
				r, err := w.Next(t.Context(), q, after, 37)
				if err != nil {
					t.Fatal(err)
				}
				after = r.Hi
			}
			var r keyset.Range
			read := reads(t, db, func() {
				var err error
				if r, err = w.Next(t.Context(), q, after, 20); err != nil {
					t.Fatal(err)
				}
			})
			if r.N < 10 || read > 16*20 { // the window functions read the few rows several times, and none before them
				t.Errorf("to find a range of %d keys the server read %d rows", r.N, read)
			}
			cond, args := w.Within(r)
			query := "SELECT filler FROM t AS x WHERE " + cond + " ORDER BY " + w.Order()
			read = reads(t, db, func() {
				rows, err := q.QueryContext(t.Context(), query, args...)
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				n := 0
				for rows.Next() {
					n++
				}
				if err := rows.Err(); err != nil || n != r.N {
					t.Errorf("%d rows in a range of %d: %v", n, r.N, err)
				}
			})
			if read > 25 {
				t.Errorf("to read a range of %d keys the server read %d rows", r.N, read)
			}
			if plan := explain(t, q, query, args); strings.Contains(plan, "filesort") || !strings.Contains(plan, "PRIMARY") {
				t.Errorf("the range is read by %s", plan)
			}
			update := "UPDATE t AS x SET filler = 'new' WHERE " + cond
			if plan := explain(t, q, update, args); strings.Contains(plan, "filesort") || !strings.Contains(plan, "PRIMARY") {
				t.Errorf("the range is updated by %s", plan)
			}
			read = reads(t, db, func() {
				res, err := q.ExecContext(t.Context(), update, args...)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := res.RowsAffected(); err != nil || n != int64(r.N) {
					t.Errorf("%d rows in a range of %d are updated: %v", n, r.N, err)
				}
			})
			if read > 25 {
				t.Errorf("to update a range of %d keys the server read %d rows", r.N, read)
			}
		})
	}
}

// reads returns how many rows of tables the server reads while fn runs.
func reads(t *testing.T, db *bun.DB, fn func()) int {
	t.Helper()
	count := func() (n int) {
		err := db.QueryRowContext(t.Context(), "SELECT sum(variable_value) FROM information_schema.session_status WHERE variable_name IN ("+
			"'handler_read_key', 'handler_read_next', 'handler_read_prev', 'handler_read_first', 'handler_read_last', 'handler_read_rnd', 'handler_read_rnd_next', 'handler_icp_attempts')").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	own := count() - before // of the counting itself
	before = count()
	fn()
	return count() - before - own
}

func explain(t *testing.T, q dialect.Querier, query string, args []any) string {
	t.Helper()
	var plan string
	if err := q.QueryRowContext(t.Context(), "EXPLAIN FORMAT=JSON "+query, args...).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(strings.Join(strings.Fields(plan), " "))
}
