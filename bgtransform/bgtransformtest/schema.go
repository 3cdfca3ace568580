package bgtransformtest

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
)

// userTable is a table of the app: any but the engine's and ours.
type userTable struct {
	name    string
	columns []string
	key     []string // columns of the primary key, or the rowid
}

// userTables reads which tables there are. Virtual tables are left out: they
// show rows of others.
func userTables(ctx context.Context, db *bun.DB) ([]userTable, error) {
	var names []string
	err := db.NewRaw(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
		AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'bgtransform_*' ORDER BY name`).Scan(ctx, &names)
	if err != nil {
		return nil, err
	}
	tables := make([]userTable, len(names))
	for i, name := range names {
		if tables[i], err = readTable(ctx, db, name); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func readTable(ctx context.Context, db *bun.DB, name string) (userTable, error) {
	t := userTable{name: name}
	var cols []struct {
		Name string `bun:"name"`
		PK   int    `bun:"pk"`
	}
	err := db.NewRaw("SELECT name, pk FROM pragma_table_xinfo(?) ORDER BY pk, cid", name).Scan(ctx, &cols)
	if err != nil {
		return t, err
	}
	for _, c := range cols {
		t.columns = append(t.columns, c.Name)
		if c.PK > 0 {
			t.key = append(t.key, c.Name)
		}
	}
	if t.key == nil {
		t.key = []string{"rowid"}
	}
	return t, nil
}

// keyText is the SQL expression that names a row for people: id=3, or
// album=1 no=2. of is what the columns belong to: a table, OLD or NEW.
func (t userTable) keyText(of string) string {
	parts := make([]string, len(t.key))
	for i, col := range t.key {
		parts[i] = literal(col+"=") + " || quote(" + of + "." + quoted(col) + ")"
	}
	return strings.Join(parts, " || ' ' || ")
}

// compared returns the columns that a test has not left out.
func (t userTable) compared(without map[string]map[string]bool) []string {
	var cols []string
	for _, col := range t.columns {
		if !without[t.name][col] {
			cols = append(cols, col)
		}
	}
	return cols
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
