package dialect

import (
	"context"
	"database/sql"
	"errors"
)

// mysqlEngine refuses a table of which no batch could be undone, or be one
// with its checkpoint, and a session in which bun's literals are other texts
// than it was given: cursors and quarantined keys are written by bun.
func mysqlEngine(ctx context.Context, q Querier, table Table) error {
	var engine, transactions string
	var literal bool
	err := q.QueryRowContext(ctx, "SELECT e.engine, coalesce(e.transactions, 'NO'), @@sql_mode LIKE '%NO_BACKSLASH_ESCAPES%'"+
		" FROM information_schema.tables AS t JOIN information_schema.engines AS e ON e.engine = t.engine WHERE "+mysqlNamed,
		mysqlName(table)...).Scan(&engine, &transactions, &literal)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return &RefusedError{"it is a view, or something else that holds no rows itself"}
	case err != nil:
		return err
	case transactions != "YES":
		return &RefusedError{"its engine " + engine + " has no transactions; a transform needs one that has, such as InnoDB"}
	case literal:
		return &RefusedError{"the session's sql_mode has NO_BACKSLASH_ESCAPES, under which bun stores two backslashes for each"}
	default:
		return nil
	}
}
