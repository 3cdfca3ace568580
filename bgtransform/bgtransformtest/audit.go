package bgtransformtest

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
)

// install makes SQLite itself note every row that is inserted, deleted or
// changed, in the transaction that does it: two runs can end with the same
// rows although one of them wrote some twice. An update that changes nothing
// does not count, nor do columns that the test has left out.
func install(ctx context.Context, db *bun.DB, without map[string]map[string]bool) error {
	tables, err := userTables(ctx, db)
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE bgtransform_test_audit (name TEXT, key TEXT, did TEXT)"); err != nil {
		return err
	}
	for _, t := range tables {
		for _, trigger := range t.triggers(without) {
			// bun would take a question mark in a name for a placeholder.
			if _, err := db.DB.ExecContext(ctx, trigger); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t userTable) triggers(without map[string]map[string]bool) []string {
	all := []string{t.trigger("INSERT", "NEW", "inserted", ""), t.trigger("DELETE", "OLD", "deleted", "")}
	var differs []string
	for _, col := range t.compared(without) {
		differs = append(differs, "quote(OLD."+quoted(col)+") <> quote(NEW."+quoted(col)+")")
	}
	if len(differs) == 0 {
		return all
	}
	return append(all, t.trigger("UPDATE", "OLD", "changed", "WHEN "+strings.Join(differs, " OR ")))
}

func (t userTable) trigger(event, of, did, when string) string {
	return "CREATE TRIGGER " + quoted("bgtransform_test_"+t.name+"_"+did) + " AFTER " + event + " ON " + quoted(t.name) + " " + when +
		" BEGIN INSERT INTO bgtransform_test_audit VALUES (" + literal(t.name) + ", " + t.keyText(of) + ", " + literal(did) + "); END"
}

// write is one kind of write to one row.
type write struct {
	table, key, did string
}

// writes counts what was noted since install; none without it.
func writes(ctx context.Context, db *bun.DB) (map[write]int, error) {
	there, err := db.NewSelect().Table("sqlite_master").Where("name = 'bgtransform_test_audit'").Exists(ctx)
	if err != nil || !there {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT name, key, did, count(*) FROM bgtransform_test_audit GROUP BY name, key, did")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[write]int{}
	for rows.Next() {
		var w write
		var n int
		if err := rows.Scan(&w.table, &w.key, &w.did, &n); err != nil {
			return nil, err
		}
		counts[w] = n
	}
	return counts, rows.Err()
}
