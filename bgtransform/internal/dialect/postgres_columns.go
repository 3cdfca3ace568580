package dialect

import (
	"context"

	"github.com/uptrace/bun"
)

// postgresCatalog describes the columns of a table, of any schema. A column's
// type is spelled as a cast wants it, without the length, to which an
// assignment holds a value while a cast cuts it; its base type is what a
// domain, however deep, is made of.
const postgresCatalog = `
WITH RECURSIVE base(attnum, typ) AS (
	SELECT attnum, atttypid FROM pg_attribute
	WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
	UNION ALL
	SELECT base.attnum, t.typbasetype FROM base JOIN pg_type AS t ON t.oid = base.typ WHERE t.typtype = 'd'
)
SELECT a.attname,
	COALESCE(array_position(CAST(i.indkey AS int2[]), a.attnum), -1),
	format_type(a.atttypid, -1),
	a.atttypid = t.oid, t.typname, n.nspname = 'pg_catalog'
FROM pg_attribute AS a
JOIN base ON base.attnum = a.attnum
JOIN pg_type AS t ON t.oid = base.typ AND t.typtype <> 'd'
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

func postgresColumns(ctx context.Context, db bun.IDB, table Table) ([]Column, error) {
	rows, err := db.QueryContext(ctx, postgresCatalog, table.SQL, table.SQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cols []Column
	for rows.Next() {
		var c Column
		var base string
		var plain, builtin bool
		if err := rows.Scan(&c.Name, &c.PK, &c.Type, &plain, &base, &builtin); err != nil {
			return nil, err
		}
		c.PK++ // an int2vector counts from 0, and so does its position
		c.Kind = Other
		if plain && builtin {
			c.Kind = postgresKind(base)
		}
		cols = append(cols, c)
	}
	return cols, rows.Err()
}

// postgresKind returns how values of a built-in type travel. Those that are not
// named travel as text, which every type has.
func postgresKind(typ string) Kind {
	switch typ {
	case "int2", "int4", "int8":
		return Int
	case "float8", "float4":
		return Float
	case "text", "varchar":
		return Text
	case "bytea":
		return Bytes
	default:
		return Other
	}
}
