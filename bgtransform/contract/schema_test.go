package contract_test

import (
	"strings"
	"testing"
)

// schema returns all that the database says of the table tracks, its constraints and
// its indexes.
func (d *database) schema(t testing.TB) string {
	t.Helper()
	switch d.kind {
	case mariadb:
		var table, create string
		must(t, d.DB.DB.QueryRowContext(t.Context(), "SHOW CREATE TABLE tracks").Scan(&table, &create))
		return create
	case postgres:
		return d.one(t, `SELECT string_agg(line, chr(10) ORDER BY line) FROM (
			SELECT attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull AS line FROM pg_attribute WHERE attrelid = to_regclass('tracks') AND attnum > 0
			UNION ALL SELECT conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass('tracks')
			UNION ALL SELECT pg_get_indexdef(indexrelid) || ' ' || indisvalid FROM pg_index WHERE indrelid = to_regclass('tracks')) AS lines`)
	default:
		return d.one(t, "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema WHERE tbl_name = 'tracks' ORDER BY name)")
	}
}

// line returns the line of the schema that has a text.
func line(t testing.TB, schema, text string) string {
	t.Helper()
	for l := range strings.SplitSeq(schema, "\n") {
		if strings.Contains(l, text) {
			return l
		}
	}
	t.Fatalf("%q is not in\n%s", text, schema)
	return ""
}
