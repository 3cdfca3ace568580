package dialect

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// What stands in [Column].Type for values that no cast makes. The others are
// the names of casts.
const (
	mysqlFloat     = "FLOAT"
	mysqlNumber    = "NUMBER" // enum, set and bit, in the order of their numbers
	mysqlTimestamp = "TIMESTAMP"
	mysqlHex       = "HEX" // only compared, never made a value again
	mysqlUnsigned  = "UNSIGNED"
)

func (d *Dialect) mysqlColumns(ctx context.Context, db bun.IDB, table Table) ([]Column, error) {
	q := d.Bound(db)
	rows, err := q.QueryContext(ctx, "SELECT column_name, data_type, column_type, coalesce(character_set_name, ''), coalesce(collation_name, ''),"+
		" coalesce(numeric_precision, 0), coalesce(numeric_scale, 0), is_nullable = 'NO' FROM information_schema.columns WHERE "+mysqlNamed+" ORDER BY ordinal_position", mysqlName(table)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cols []Column
	for rows.Next() {
		var c Column
		var typ, whole string
		var precision, scale int
		if err := rows.Scan(&c.Name, &typ, &whole, &c.charset, &c.collation, &precision, &scale, &c.notNull); err != nil {
			return nil, err
		}
		c.Exact = whole
		c.describe(strings.ToLower(typ), strings.ToLower(whole), precision, scale)
		cols = append(cols, c)
	}
	if err := rows.Err(); err != nil || len(cols) == 0 {
		return nil, err
	}
	if err := mysqlEngine(ctx, q, table); err != nil {
		return nil, err
	}
	return cols, mysqlKey(ctx, q, table, cols)
}

// describe decides how values of a declared type travel.
func (c *Column) describe(typ, whole string, precision, scale int) {
	switch typ {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		c.Kind = Int
		if strings.Contains(whole, "unsigned") || strings.Contains(whole, "zerofill") {
			c.Type = mysqlUnsigned
		}
	case "float":
		c.Kind, c.Type = Float, mysqlFloat
	case "double":
		c.Kind = Float
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		c.Kind = Text
		switch c.charset {
		case "utf8mb4", "utf8mb3", "utf8", "ascii":
		default:
			c.Opaque = true
		}
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		c.Kind = Bytes
	case "decimal":
		c.Kind, c.Type = Other, fmt.Sprintf("DECIMAL(%d, %d)", precision, scale)
	case "date":
		c.Kind, c.Type = Other, "DATE"
	case "datetime":
		c.Kind, c.Type = Other, "DATETIME(6)"
	case "time":
		c.Kind, c.Type = Other, "TIME(6)"
	case "timestamp":
		c.Kind, c.Type = Other, mysqlTimestamp
	case "year":
		c.Kind, c.Type = Other, mysqlUnsigned
	case "enum", "set", "bit":
		c.Kind, c.Type = Other, mysqlNumber
	case "json", "uuid", "inet4", "inet6":
		c.Kind, c.Type = Other, strings.ToUpper(typ)
	default:
		c.Kind, c.Type = Other, mysqlHex
	}
}

// mysqlKey marks the columns of the primary key.
func mysqlKey(ctx context.Context, q Querier, table Table, cols []Column) error {
	rows, err := q.QueryContext(ctx, "SELECT column_name, seq_in_index, sub_part IS NOT NULL FROM information_schema.statistics"+
		" WHERE "+mysqlNamed+" AND index_name = 'PRIMARY'", mysqlName(table)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var position int
		var cut bool
		if err := rows.Scan(&name, &position, &cut); err != nil {
			return err
		}
		if cut {
			return &RefusedError{fmt.Sprintf("its primary key has only the beginning of column %q, which is no order to walk in", name)}
		}
		for i := range cols {
			if cols[i].Name == name {
				cols[i].PK = position
			}
		}
	}
	return rows.Err()
}
