package bgtransformtest

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// outcome is all that a run leaves behind that a test compares.
type outcome struct {
	tables map[string]map[string]row // by name, then by the key's text
	writes map[write]int
	held   map[string]bool // keys in quarantine, with the class of their error
}

// row holds a row's values by column, as SQL literals: they tell 1 from '1'.
type row map[string]string

// look reads the outcome of a run.
func (b *bench) look(ctx context.Context, m *memory) (outcome, error) {
	out := outcome{tables: map[string]map[string]row{}}
	tables, err := userTables(ctx, m.db)
	if err != nil {
		return out, fmt.Errorf("read the tables: %w", err)
	}
	for _, t := range tables {
		if out.tables[t.name], err = t.rows(ctx, m.db, b.without); err != nil {
			return out, fmt.Errorf("read table %q: %w", t.name, err)
		}
	}
	if out.writes, err = writes(ctx, m.db); err != nil {
		return out, fmt.Errorf("read the audit: %w", err)
	}
	if out.held, err = b.held(ctx, m); err != nil {
		return out, fmt.Errorf("read the quarantine: %w", err)
	}
	return out, nil
}

func (t userTable) rows(ctx context.Context, db *bun.DB, without map[string]map[string]bool) (map[string]row, error) {
	cols := t.compared(without)
	exprs := []string{t.keyText("t")}
	for _, col := range cols {
		exprs = append(exprs, "quote(t."+quoted(col)+")")
	}
	found, err := db.DB.QueryContext(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+quoted(t.name)+" AS t")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	rows := map[string]row{}
	values := make([]string, len(exprs))
	dest := make([]any, len(exprs))
	for i := range values {
		dest[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return nil, err
		}
		one := row{}
		for i, col := range cols {
			one[col] = values[i+1]
		}
		rows[values[0]] = one
	}
	return rows, found.Err()
}

func (b *bench) held(ctx context.Context, m *memory) (map[string]bool, error) {
	var rows []struct {
		Key   string `bun:"key_text"`
		Class string `bun:"class"`
	}
	err := m.db.NewRaw("SELECT key_text, class FROM bgtransform_quarantine WHERE name = ?", b.name).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, r := range rows {
		held["key "+r.Key+" ("+r.Class+")"] = true
	}
	return held, nil
}
