// Package dialect holds what differs between databases, and nothing else: how
// a value is read and compared without loss, what a table looks like, what an
// error means, and how many rows are written at once.
package dialect

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Dialect is the set of differences of one database. Every field is set.
type Dialect struct {
	Name string

	// Now is an SQL expression: the server's clock in Unix milliseconds.
	Now string

	// Raw returns an expression that reads a column's stored value unchanged,
	// past any conversion that a driver makes because of the column's type.
	Raw func(column string) string

	// Same returns a predicate with one placeholder that is true when the
	// column holds the bytes that Raw has read, NULL included, whatever the
	// column's collation.
	Same func(column string) string

	// Columns describes a table. It returns none when there is no such table.
	Columns func(ctx context.Context, db bun.IDB, schema, table string) ([]Column, error)

	// Classify says what an error of the driver means.
	Classify func(err error) Class

	// Write updates rows one by one or together, whichever is the fastest
	// here, and returns how many it changed.
	Write func(ctx context.Context, tx bun.Tx, u Update) (int, error)

	// AffectedIsMatched tells whether an UPDATE reports the rows that its
	// condition matched (true) or only those whose values changed.
	AffectedIsMatched bool
}

// Column describes a column of a table in the database.
type Column struct {
	Name string
	PK   int // position in the primary key from 1; 0 when not part of it
}

// For returns the dialect of db, or an error that says which are supported.
func For(db *bun.DB) (*Dialect, error) {
	switch name := db.Dialect().Name(); name {
	case dialect.SQLite:
		return sqlite(), nil
	default:
		return nil, fmt.Errorf("database dialect %q is not supported yet; this version works with sqlite", name)
	}
}
