package contract

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/uptrace/bun"
)

// DropColumn drops a column, with the indexes and constraints that are on it alone. A
// column that is not there is no error, and said in the log. It returns [ErrRefused] while something else needs the
// column: a key or an index that has other columns too, a view, a generated column, a
// trigger of the table that names it as NEW.column or OLD.column.
//
// No release that runs may read or write the column any more, nor have a model with it: bun
// names all columns of a model in SELECT and INSERT.
func DropColumn(ctx context.Context, db *bun.DB, table, column string, opts ...Option) error {
	return change(ctx, db, table, fmt.Sprintf("drop column %q", column), plans{
		postgres: func(r *run) plan { return r.postgresDropColumn(column) },
		mysql:    func(r *run) plan { return r.mysqlDropColumn(column) },
		sqlite:   func(r *run) plan { return r.sqliteDropColumn(column) },
	}, opts)
}

// needed refuses to drop a column that others need; nil if nobody does.
func needed(column string, by []string) error {
	if len(by) == 0 {
		return nil
	}
	return refused("column %q is needed by %s: change or drop that first", column, strings.Join(by, " and "))
}

// names tells whether the body of a trigger names a column of its row. A trigger that
// still does would make each write of the app fail.
func names(body, column string) bool {
	quoted := "[\"`\\[]?" + regexp.QuoteMeta(column)
	return regexp.MustCompile(`(?i)\b(?:new|old)\s*\.\s*` + quoted + `(?:\W|$)`).MatchString(body)
}
