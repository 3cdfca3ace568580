package contract

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// NotNull makes a column NOT NULL. It returns [ErrRows] if there are nulls in it.
// From then on an insert without a value for it fails, so all that runs has to write it.
func NotNull(ctx context.Context, db *bun.DB, table, column string, opts ...Option) error {
	return change(ctx, db, table, fmt.Sprintf("make column %q NOT NULL", column), plans{
		postgres: func(r *run) plan { return r.postgresNotNull(column) },
		mysql:    func(r *run) plan { return r.mysqlNotNull(column) },
		sqlite:   func(r *run) plan { return r.sqliteNotNull(column) },
	}, opts)
}

// Relax lets a column be NULL, so that a release that no longer writes it can insert.
// Call it on the old column before that release is deployed. It also takes NotNull back,
// before a rollback to a release that does not write the new column.
func Relax(ctx context.Context, db *bun.DB, table, column string, opts ...Option) error {
	return change(ctx, db, table, fmt.Sprintf("let column %q be NULL", column), plans{
		postgres: func(r *run) plan { return r.postgresRelax(column) },
		mysql:    func(r *run) plan { return r.mysqlRelax(column) },
		sqlite:   func(r *run) plan { return r.sqliteRelax(column) },
	}, opts)
}

// nulls are the rows that are in the way of NotNull.
func nulls(column string) string { return fmt.Sprintf("some rows have NULL in column %q", column) }
