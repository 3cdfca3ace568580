package contract

import (
	"context"
	"strings"
)

// indexState is what the catalog says of an index.
type indexState struct {
	name       string
	unique     bool
	constraint bool     // it was made for a constraint of the table
	columns    []string // empty names stand for expressions
}

// indexes lists the indexes that a query names with a row for each of their columns, in
// the order of both.
func (r *run) indexes(ctx context.Context, query string, args ...any) ([]indexState, error) {
	rows, err := r.d.Bound(r.db).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []indexState
	for rows.Next() {
		var s indexState
		var column string
		if err := rows.Scan(&s.name, &s.unique, &s.constraint, &column); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].name != s.name {
			all = append(all, s)
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, column)
	}
	return all, rows.Err()
}

// findIndex looks an index up; nil when there is none of that name.
func findIndex(ctx context.Context, name string, list func(context.Context) ([]indexState, error)) (*indexState, error) {
	all, err := list(ctx)
	for i := range all {
		if strings.EqualFold(all[i].name, name) {
			return &all[i], err
		}
	}
	return nil, err
}
