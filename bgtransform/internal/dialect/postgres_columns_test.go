package dialect_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

func TestPostgresColumnsDescribesTables(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	for _, s := range []string{
		`CREATE TABLE "odd ""name?""" (b text, "a?" int8, gone int, c int GENERATED ALWAYS AS (1) STORED, n numeric(5,2), v varchar(3), PRIMARY KEY ("a?", b) INCLUDE (n))`,
		`ALTER TABLE "odd ""name?""" DROP gone`,
		"CREATE SCHEMA other", "CREATE TABLE other.t (id uuid PRIMARY KEY, at timestamptz(3))", "CREATE TABLE t (v other.t)",
		"CREATE VIEW seen AS SELECT 1 AS id", "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id",
		"CREATE TABLE parted (id int8 PRIMARY KEY) PARTITION BY RANGE (id)",
	} {
		exec(t, db, s)
	}
	for name, test := range map[string]struct {
		table string
		want  []dialect.Column
	}{
		"a composite key in its order": {`"odd ""name?"""`, []dialect.Column{
			{Name: "b", PK: 2, Type: "text", Kind: dialect.Text},
			{Name: "a?", PK: 1, Type: "bigint", Kind: dialect.Int},
			{Name: "c", Type: "integer", Kind: dialect.Int},
			{Name: "n", Type: "numeric", Kind: dialect.Other},
			{Name: "v", Type: "character varying", Kind: dialect.Text},
		}},
		"a table of another schema": {`"other"."t"`, []dialect.Column{
			{Name: "id", PK: 1, Type: "uuid", Kind: dialect.Other},
			{Name: "at", Type: "timestamp with time zone", Kind: dialect.Other},
		}},
		"a table of the search path":   {"t", []dialect.Column{{Name: "v", Type: "other.t", Kind: dialect.Other}}},
		"a partitioned table":          {"parted", []dialect.Column{{Name: "id", PK: 1, Type: "bigint", Kind: dialect.Int}}},
		"a table that is not there":    {"missing", nil},
		"a schema that is not there":   {"missing.t", nil},
		"a name that is no identifier": {`"a.b"`, nil},
	} {
		got, err := dialectOf(t, db).Columns(t.Context(), db, dialect.Table{SQL: test.table})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(dialect.Column{}, "Bytes", "Exact"), cmpopts.IgnoreUnexported(dialect.Column{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, view := range []string{"seen", "kept"} {
		_, err := dialectOf(t, db).Columns(t.Context(), db, dialect.Table{SQL: view})
		if _, refused := errors.AsType[*dialect.RefusedError](err); !refused {
			t.Errorf("%s: %v, want a refusal", view, err)
		}
	}
}

// A table's size is known without counting it, or is said not to be known.
func TestPostgresEstimate(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	exec(t, db, "CREATE SCHEMA other")
	const fill = " SELECT n FROM generate_series(1, 5000) AS n"
	for name, test := range map[string]struct {
		table    string
		make     []string
		min, max int64
	}{
		"empty, never analysed":   {"a", []string{"CREATE TABLE a (id int)"}, 0, 0},
		"never analysed":          {"b", []string{"CREATE TABLE b (id int) WITH (autovacuum_enabled = false)", "INSERT INTO b" + fill}, -1, -1},
		"analysed":                {"c", []string{"CREATE TABLE c (id int)", "INSERT INTO c" + fill, "ANALYZE c"}, 5000, 5000},
		"grown since":             {"d", []string{"CREATE TABLE d (id int) WITH (autovacuum_enabled = false)", "INSERT INTO d" + fill, "ANALYZE d", "INSERT INTO d" + fill, "INSERT INTO d" + fill}, 14000, 16000},
		"of another schema":       {`"other"."e"`, []string{"CREATE TABLE other.e (id int)", "INSERT INTO other.e" + fill, "ANALYZE other.e"}, 5000, 5000},
		"that is not there":       {"missing", nil, -1, -1},
		"partitioned, all known":  {"f", []string{"CREATE TABLE f (id int) PARTITION BY RANGE (id)", "CREATE TABLE f1 PARTITION OF f FOR VALUES FROM (1) TO (3000)", "CREATE TABLE f2 PARTITION OF f DEFAULT", "CREATE TABLE f3 PARTITION OF f FOR VALUES FROM (9000) TO (9999)", "INSERT INTO f" + fill, "ANALYZE f1", "ANALYZE f2"}, 5000, 5000},
		"partitioned, one is not": {"g", []string{"CREATE TABLE g (id int) PARTITION BY RANGE (id)", "CREATE TABLE g1 PARTITION OF g FOR VALUES FROM (1) TO (3000) WITH (autovacuum_enabled = false)", "CREATE TABLE g2 PARTITION OF g DEFAULT WITH (autovacuum_enabled = false)", "INSERT INTO g" + fill, "ANALYZE g2"}, -1, -1},
	} {
		for _, s := range test.make {
			exec(t, db, s)
		}
		n, err := dialectOf(t, db).Estimate(t.Context(), db, dialect.Table{SQL: test.table})
		if err != nil || n < test.min || n > test.max {
			t.Errorf("a table %s: about %d rows, %v; want %d to %d", name, n, err, test.min, test.max)
		}
	}
}
