package dialect

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
)

// Querier runs statements with bound values.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Bound returns what runs statements on db past bun, with their values bound.
// bun writes values into the text of a statement, where a float, a text that
// is no UTF-8, or a name with a question mark in it does not survive; keys and
// guards must, to the byte.
func Bound(db bun.IDB) Querier {
	switch db := db.(type) {
	case *bun.DB:
		return db.DB
	case bun.Tx:
		return db.Tx
	case bun.Conn:
		return db.Conn
	default:
		return db
	}
}

// Stored returns a value as it was read from the database, ready to be bound
// again: a driver returns the empty blob as nil bytes, which would be bound as NULL.
func Stored(v any) any {
	if b, ok := v.([]byte); ok && b == nil {
		return []byte{}
	}
	return v
}
