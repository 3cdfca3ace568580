package dialect

import (
	"context"

	"github.com/uptrace/bun"
)

// postgresCatalog describes the columns of a table, of any schema. A domain,
// however deep, stands for the type it is made of: an assignment applies it
// again. A type is spelled as a cast wants it, without the length, to which an
// assignment holds a value while a cast cuts it.
const postgresCatalog = `
WITH RECURSIVE base(attnum, typ) AS (
	SELECT attnum, atttypid FROM pg_attribute
	WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
	UNION ALL
	SELECT base.attnum, t.typbasetype FROM base JOIN pg_type AS t ON t.oid = base.typ WHERE t.typtype = 'd'
)
SELECT a.attname,
	CASE WHEN k.at < i.indnkeyatts THEN k.at ELSE -1 END,
	format_type(t.oid, -1), format_type(a.atttypid, a.atttypmod), t.typname, n.nspname = 'pg_catalog', t.typtype = 'e',
	COALESCE((SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.proname)
		FROM pg_proc AS s JOIN pg_namespace AS sn ON sn.oid = s.pronamespace WHERE s.oid = t.typsend), ''),
	r.relkind IN ('v', 'm'), r.relhasrules
FROM pg_attribute AS a
JOIN pg_class AS r ON r.oid = a.attrelid
JOIN base ON base.attnum = a.attnum
JOIN pg_type AS t ON t.oid = base.typ AND t.typtype <> 'd'
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
LEFT JOIN LATERAL (SELECT array_position(CAST(i.indkey AS int2[]), a.attnum) AS at) AS k ON true
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
		var typ, send string
		var builtin, enum, view bool
		if err := rows.Scan(&c.Name, &c.PK, &c.Type, &c.Exact, &typ, &builtin, &enum, &send, &view, &c.ruled); err != nil {
			return nil, err
		}
		if view {
			return nil, &RefusedError{"it is a view; transform the table below it"}
		}
		c.PK++ // an int2vector counts from 0, and so does its position
		c.Kind = Other
		if builtin {
			c.Kind = postgresKind(typ)
		}
		if c.Kind == Other && !enum && (!builtin || !postgresExact(typ)) {
			c.Bytes = postgresBytes(send)
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

// postgresExact tells the built-in types of which equal values have equal bytes.
func postgresExact(typ string) bool {
	switch typ {
	case "bool", "date", "time", "timetz", "timestamp", "timestamptz", "uuid", "oid", "macaddr", "macaddr8":
		return true
	default:
		return false
	}
}

// postgresBytes takes the function that sends a value in binary form, and the
// text for the few types that have none.
func postgresBytes(send string) string {
	if send == "" {
		return `CAST(%s AS text) COLLATE "C"`
	}
	return send + "(%s)"
}
