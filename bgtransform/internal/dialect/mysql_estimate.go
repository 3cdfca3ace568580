package dialect

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"
)

// mysqlEstimate reads what the engine's statistics say.
func (d *Dialect) mysqlEstimate(ctx context.Context, db bun.IDB, table Table) (int64, error) {
	var rows sql.NullInt64
	err := d.Bound(db).QueryRowContext(ctx, "SELECT table_rows FROM information_schema.tables WHERE "+mysqlNamed, mysqlName(table)...).Scan(&rows)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && !rows.Valid) {
		return -1, nil
	}
	return rows.Int64, err
}

// mysqlNamed is the condition that finds a table in the catalog by mysqlName.
const mysqlNamed = "table_schema = coalesce(" + Arg + ", DATABASE()) AND table_name = " + Arg

// mysqlName returns the schema and the name of a table. bun gives a schema to
// every table, "mydb" if the model has none; only what stands in statements
// counts.
func mysqlName(table Table) []any {
	quoted := "`" + strings.ReplaceAll(table.Schema, "`", "``") + "`."
	if table.Schema == "" || (table.SQL != "" && !strings.HasPrefix(table.SQL, quoted)) {
		return []any{nil, table.Name}
	}
	return []any{table.Schema, strings.TrimPrefix(table.Name, table.Schema+".")}
}
