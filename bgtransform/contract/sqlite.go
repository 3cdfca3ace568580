package contract

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// sqliteStep runs statements in one transaction. Its ALTER TABLE that a version does
// not know is a syntax error there.
func (r *run) sqliteStep(say string, statements ...string) *step {
	return &step{say, func(ctx context.Context) error {
		err := r.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			for _, s := range statements {
				if _, err := tx.Tx.ExecContext(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
		switch {
		case err == nil:
			return nil
		case strings.Contains(err.Error(), "syntax error") && strings.HasPrefix(statements[0], "ALTER TABLE"):
			return &failure{kind: ErrRefused, cause: err, text: "this version of SQLite has no ALTER TABLE for that: use a newer one (3.54 has it), or rebuild the table as https://www.sqlite.org/lang_altertable.html#otheralter says"}
		case strings.Contains(err.Error(), "cannot drop"), strings.Contains(err.Error(), "error in "):
			return &failure{kind: ErrRefused, cause: err, text: err.Error()} // it names a column, a view or a trigger
		case strings.Contains(err.Error(), "already exists"), strings.Contains(err.Error(), "no such index"):
			return fmt.Errorf("%w: %w", errMeanwhile, err)
		default:
			return err
		}
	}}
}

// sqliteState is what the schema says of a column.
type sqliteState struct {
	name    string // as it is spelled
	notNull bool
	key     bool // part of the primary key
}

// sqliteColumn looks a column up; errNoColumn when it is not there.
func (r *run) sqliteColumn(ctx context.Context, column string) (sqliteState, error) {
	var s sqliteState
	var kind string
	q, schema := r.d.Bound(r.db), cmp.Or(r.schema, "main")
	err := q.QueryRowContext(ctx, "SELECT type FROM pragma_table_list("+dialect.Arg+") WHERE schema = "+dialect.Arg, r.table, schema).Scan(&kind)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s, refused("there is no such table")
	case err != nil:
		return s, err
	case kind != "table":
		return s, refused("it is a %s; change the table below it", kind)
	}
	err = q.QueryRowContext(ctx, `SELECT name, "notnull", pk > 0 FROM pragma_table_xinfo(`+dialect.Arg+", "+dialect.Arg+") WHERE name = "+dialect.Arg+" COLLATE NOCASE", r.table, schema, column).
		Scan(&s.name, &s.notNull, &s.key)
	if errors.Is(err, sql.ErrNoRows) {
		return s, errNoColumn
	}
	return s, err
}

// sqliteKnown is sqliteColumn for a column that has to be there.
func (r *run) sqliteKnown(ctx context.Context, column string) (sqliteState, error) {
	s, err := r.sqliteColumn(ctx, column)
	if errors.Is(err, errNoColumn) {
		return s, refused("it has no column %q", column)
	}
	return s, err
}

func (r *run) sqliteNotNull(column string) plan {
	none := r.once(r.sqliteNone, nulls(column))
	return func(ctx context.Context) (*step, error) {
		s, err := r.sqliteKnown(ctx, column)
		if err != nil || s.notNull {
			return nil, err
		}
		name := r.quote(s.name)
		if err := none(ctx, name+" IS NULL"); err != nil {
			return nil, err
		}
		return r.sqliteStep("set NOT NULL", "ALTER TABLE "+r.from+" ALTER COLUMN "+name+" SET NOT NULL"), nil
	}
}

func (r *run) sqliteRelax(column string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.sqliteKnown(ctx, column)
		switch {
		case err != nil:
			return nil, err
		case s.key:
			return nil, refused("column %q is part of the primary key", column)
		case !s.notNull:
			return nil, nil
		}
		return r.sqliteStep("drop NOT NULL", "ALTER TABLE "+r.from+" ALTER COLUMN "+r.quote(s.name)+" DROP NOT NULL"), nil
	}
}

// sqliteAddCheck does not look for the check, which stands in no catalog: SQLite says
// when it is there already.
func (r *run) sqliteAddCheck(check Check) plan {
	done, none := false, r.once(r.sqliteNone, check.refuses())
	return func(ctx context.Context) (*step, error) {
		if done {
			return nil, nil
		}
		if err := none(ctx, "NOT ("+check.Expr+")"); err != nil {
			return nil, err
		}
		add := r.sqliteStep("add the check", "ALTER TABLE "+r.from+" ADD CONSTRAINT "+r.quote(check.Name)+" CHECK ("+check.Expr+")")
		return &step{add.say, func(ctx context.Context) error {
			err := add.run(ctx)
			done = err == nil || errors.Is(err, errMeanwhile)
			return err
		}}, nil
	}
}

// sqliteNone returns an error if there is a row for which a condition is true.
func (r *run) sqliteNone(ctx context.Context, condition, which string) error {
	var found bool
	err := r.db.DB.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+r.from+" WHERE "+condition+")").Scan(&found)
	if err == nil && found {
		return r.rowsError(which, nil)
	}
	return err
}
