// Package dialect holds what differs between databases, and nothing else: how
// a value is read, bound and compared without loss, what a table looks like,
// what an error means, how the server bounds a transaction, and how many rows
// are written at once.
package dialect

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// Dialect is the set of differences of one database. Every field is set, but for those that say what nil means.
type Dialect struct {
	Name string

	// Now is an SQL expression: the server's clock in Unix milliseconds.
	Now string

	// Placeholder returns the text of the nth bound value of a statement, from 1.
	Placeholder func(n int) string

	// Remote tells that a network is in between, where answers can fail to come.
	Remote bool

	// Columns describes a table. It returns none when there is no such table.
	Columns func(ctx context.Context, db bun.IDB, table Table) ([]Column, error)

	// Raw returns an expression that reads a column's stored value unchanged,
	// past any conversion that a driver makes because of the column's type.
	Raw func(c Column) string

	// Carry returns the expression of one bound value (with [Arg] in it) that
	// Raw has read, as Raw has read it.
	Carry func(c Column) string

	// Bind returns the expression of such a value as one of the column's type.
	Bind func(c Column) string

	// Same returns a predicate that is true when the column holds the bytes
	// that Raw has read and that carried, an expression as of Carry, stands
	// for, NULL included, whatever the column's collation.
	Same func(c Column, carried string) string

	// RowValues tells whether a comparison of several columns at once, such as
	// (a, b) > (1, 2), is served from an index as precisely as one of a single
	// column. Else it is spelled out.
	RowValues bool

	// RowsEnd tells whether such a comparison, as the upper end of a range, also
	// ends the walk through the index where the range ends. PostgreSQL goes on
	// until the first column is past it, be it through half of the table.
	RowsEnd bool

	// Holds returns a predicate that is true when the column holds, to the byte,
	// what it would hold once an expression, such as one of Assigned, was stored in
	// it: a number rounded to the column's scale, a document in its normal form.
	Holds func(c Column, expr string) string

	// Load returns a value that Raw has read, as it is kept: nil, an int64, a
	// uint64 that is no int64, a float64, a string or a []byte.
	Load func(c Column, v any) any

	// Getter returns what gets the value of a model's field as Raw would read it
	// once it is stored, or SQL text ([schema.Safe]) where only the database knows.
	Getter func(gen schema.QueryGen, f *schema.Field, c Column) Getter

	// Trace, unless it is nil, is called with every statement that [Dialect.Bound]
	// runs, before it does.
	Trace func(query string, args []any)

	// Estimate returns about how many rows a table has, without counting; -1
	// when the database has no idea.
	Estimate func(ctx context.Context, db bun.IDB, table Table) (int64, error)

	// Writers lists the transactions that may have written to a table and have not
	// ended, each a whole transaction: who is not listed has ended for all to see, or
	// has written nothing before it was asked. It returns [ErrWritersUnseen] when
	// the server does not show them to this user, and [ErrWritersStale] when it
	// might another time. Nil where only one transaction writes at a time.
	Writers func(ctx context.Context, db *bun.DB, l Limits, table Table) ([]Writer, error)

	// Classify says what an error of the driver means.
	Classify func(err error) Class

	// Write updates rows one by one or together, whichever is the fastest
	// here, and returns how many it changed.
	Write func(ctx context.Context, tx bun.Tx, u Update) (int, error)

	// ReadIsTransaction is whether [Dialect.Read] is a transaction of its own,
	// with the trips to the server that this takes.
	ReadIsTransaction bool

	// KeepsVersions is whether the database finds a row that is written often ever
	// more slowly while some transaction keeps a snapshot, and can look for it by
	// where it is (ctid).
	KeepsVersions bool

	// AffectedIsMatched tells whether an UPDATE reports the rows that its
	// condition matched (true) or only those whose values changed.
	AffectedIsMatched bool

	// assign returns the expression of a bound value that a column is set to;
	// nil when it is that of Bind.
	assign func(c Column) string

	// LockRows ends a SELECT whose rows nobody else may change until the
	// transaction ends. It is empty where a transaction that has written has
	// the database to itself.
	LockRows string

	// read runs fn where each of its statements is bounded by the server.
	read func(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, q Querier) error) error

	// write runs fn in a transaction that the server bounds.
	write func(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, tx bun.Tx) error) error

	// settings spells the limits as statements that may stand before another
	// one in the same message. It is nil where they cannot.
	settings func(l Limits) string
}

// For returns the dialect of db, or an error that says which are supported.
func For(db *bun.DB) (*Dialect, error) {
	if err := refused(db); err != nil {
		return nil, err
	}
	switch name := db.Dialect().Name(); name {
	case dialect.SQLite:
		return sqlite(), nil
	case dialect.PG:
		return postgres(), nil
	case dialect.MySQL:
		return mysql(), nil
	default:
		return nil, fmt.Errorf("database dialect %q is not supported; this version works with pg, mysql and sqlite", name)
	}
}

// refused explains which driver cannot be used, by the package of its type: to
// import it would link it into every app.
func refused(db *bun.DB) error {
	if db.DB == nil {
		return nil
	}
	t := reflect.TypeOf(db.DB.Driver())
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch path := t.PkgPath(); {
	case strings.HasSuffix(path, "bun/driver/pgdriver"):
		return fmt.Errorf("database driver %s is not supported: it does not cancel a statement when its context ends, leaves its row locks held, and can report a commit that was rolled back; open the database with github.com/jackc/pgx/v5/stdlib instead: sql.Open(\"pgx\", dsn)", path)
	case path == "github.com/lib/pq":
		return fmt.Errorf("database driver %s is not supported: it cannot bind arrays; open the database with github.com/jackc/pgx/v5/stdlib instead: sql.Open(\"pgx\", dsn)", path)
	default:
		return nil
	}
}
