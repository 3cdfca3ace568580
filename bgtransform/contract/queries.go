package contract

import (
	"context"
	"database/sql"
	"fmt"
)

// texts returns the only column of a query's rows.
func (r *run) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := r.d.Bound(r.db).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, rows.Err()
}

// naming returns those of a list of triggers, by name and body, that name a column.
// It closes the rows.
func naming(rows *sql.Rows, column string) ([]string, error) {
	defer rows.Close()
	var found []string
	for rows.Next() {
		var name, body string
		if err := rows.Scan(&name, &body); err != nil {
			return nil, err
		}
		if names(body, column) {
			found = append(found, fmt.Sprintf("trigger %q", name))
		}
	}
	return found, rows.Err()
}
