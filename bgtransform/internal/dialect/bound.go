package dialect

import (
	"context"
	"database/sql"
	"strings"

	"github.com/uptrace/bun"
)

// Arg stands for one bound value in the text of a statement. No SQL text can
// hold a zero byte, so nothing that a user wrote, and no quoted name with a
// question mark in it, is ever taken for one.
const Arg = "\x00"

// Querier runs statements with bound values, whose places are marked by [Arg].
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Bound returns what runs statements on db past bun, with their values bound.
// bun writes values into the text of a statement, where a float, a text that
// is no UTF-8, or a name with a question mark in it does not survive; keys and
// guards must, to the byte.
func (d *Dialect) Bound(db bun.IDB) Querier {
	switch db := db.(type) {
	case *bun.DB:
		return querier{d, db.DB}
	case bun.Tx:
		return querier{d, db.Tx}
	case bun.Conn:
		return querier{d, db.Conn}
	default:
		return querier{d, db}
	}
}

// querier spells the placeholders of its dialect.
type querier struct {
	d  *Dialect
	db Querier
}

func (q querier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	q.d.trace(query, args)
	return q.db.QueryContext(ctx, q.d.spell(query), args...)
}

func (q querier) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	q.d.trace(query, args)
	return q.db.QueryRowContext(ctx, q.d.spell(query), args...)
}

func (q querier) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	q.d.trace(query, args)
	return q.db.ExecContext(ctx, q.d.spell(query), args...)
}

// trace tells of a statement.
func (d *Dialect) trace(query string, args []any) {
	if d.Trace != nil {
		d.Trace(query, args)
	}
}

// spell puts placeholders where the statement's values are.
func (d *Dialect) spell(query string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, Arg)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(d.Placeholder(n))
		query = after
	}
}

func question(int) string { return "?" }
