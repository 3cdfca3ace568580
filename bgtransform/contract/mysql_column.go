package contract

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// mysqlState is what the server says of a column.
type mysqlState struct {
	name       string // as it is spelled
	notNull    bool
	key        bool // part of the primary key
	generated  bool
	definition string
}

// mysqlColumn looks a column up; errNoColumn when it is not there. It waits for the
// table no longer than other statements of ours.
func (r *run) mysqlColumn(ctx context.Context, column string) (mysqlState, error) {
	var s mysqlState
	err := r.mysqlSession(ctx, func(conn bun.Conn, _ int64) error {
		q := r.d.Bound(conn)
		var table, create string
		err := q.QueryRowContext(ctx, "SELECT table_type FROM information_schema.tables WHERE "+inDatabase("table_schema", "table_name"), r.mysqlNamed()...).Scan(&table)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return refused("there is no such table")
		case err != nil:
			return err
		case table != "BASE TABLE":
			return refused("it is a %s; change the table below it", strings.ToLower(table))
		}
		err = q.QueryRowContext(ctx, "SELECT column_name, is_nullable = 'NO', column_key = 'PRI', coalesce(generation_expression, '') <> ''"+
			" FROM information_schema.columns WHERE "+inDatabase("table_schema", "table_name")+" AND column_name = "+dialect.Arg, r.mysqlNamed(column)...).
			Scan(&s.name, &s.notNull, &s.key, &s.generated)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return errNoColumn
		case err != nil:
			return err
		}
		if err := q.QueryRowContext(ctx, "SHOW CREATE TABLE "+r.from).Scan(&table, &create); err != nil {
			return err
		}
		s.definition, err = mysqlDefinition(create, s.name)
		return err
	})
	return s, err
}

// mysqlKnown is mysqlColumn for a column that has to be there.
func (r *run) mysqlKnown(ctx context.Context, column string) (mysqlState, error) {
	s, err := r.mysqlColumn(ctx, column)
	switch {
	case errors.Is(err, errNoColumn):
		return s, refused("it has no column %q", column)
	case err == nil && s.generated:
		return s, refused("column %q is generated; whether it is NULL follows from the columns that it is made of", column)
	default:
		return s, err
	}
}

func (r *run) mysqlNotNull(column string) plan {
	none := r.once(r.mysqlNone, nulls(column))
	return func(ctx context.Context) (*step, error) {
		s, err := r.mysqlKnown(ctx, column)
		if err != nil || s.notNull {
			return nil, err
		}
		name := r.quote(s.name)
		if err := none(ctx, name+" IS NULL"); err != nil {
			return nil, err
		}
		rebuild := r.mysqlAlter("set NOT NULL, which rebuilds the table beside the app", "MODIFY "+name+" "+mysqlNullable(s.definition, true), mysqlOnline)
		return &step{rebuild.say, func(ctx context.Context) error {
			err := rebuild.run(ctx)
			if err == nil || r.d.Classify(err) != dialect.BadRow || ctx.Err() != nil {
				return err
			}
			return cmp.Or(r.mysqlNone(ctx, name+" IS NULL", nulls(column)), err) // a null that came meanwhile
		}}, nil
	}
}

// mysqlNone returns an error if there is a row for which a condition is true. It
// reads the table beside the app.
func (r *run) mysqlNone(ctx context.Context, condition, which string) error {
	var found bool
	err := r.mysqlSession(ctx, func(conn bun.Conn, _ int64) error {
		return conn.Conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+r.from+" WHERE "+condition+")").Scan(&found)
	})
	if err == nil && found {
		return r.rowsError(which, nil)
	}
	return err
}

func (r *run) mysqlRelax(column string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.mysqlKnown(ctx, column)
		switch {
		case err != nil:
			return nil, err
		case s.key:
			return nil, refused("column %q is part of the primary key, which is never NULL", column)
		case !s.notNull:
			return nil, nil
		}
		return r.mysqlAlter("drop NOT NULL", "MODIFY "+r.quote(s.name)+" "+mysqlNullable(s.definition, false), mysqlInstant, mysqlOnline), nil
	}
}

func (r *run) mysqlAddCheck(check Check) plan {
	none := r.once(r.mysqlNone, check.refuses())
	return func(ctx context.Context) (*step, error) {
		there, err := r.ask(ctx, "SELECT count(*) FROM information_schema.table_constraints WHERE "+inDatabase("table_schema", "table_name")+
			" AND constraint_type = 'CHECK' AND constraint_name = "+dialect.Arg, r.mysqlNamed(check.Name)...)
		if err != nil || there != "0" {
			return nil, err
		}
		if err := none(ctx, "NOT ("+check.Expr+")"); err != nil {
			return nil, err
		}
		return r.mysqlAlter("add the check, which copies the table beside the app", "ADD CONSTRAINT "+r.quote(check.Name)+" CHECK ("+check.Expr+")", mysqlOnline, mysqlCopying), nil
	}
}
