package contract

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// postgresState is what the catalog says of a column.
type postgresState struct {
	notNull  bool
	key      bool         // part of the primary key
	attached bool         // it belongs to the parent of a partition
	check    string       // the name of our check that it is not null
	checked  sql.NullBool // whether that is validated; NULL where there is none
	proved   bool         // some check proves that it is not null
}

// errNoColumn says that the table has no such column.
var errNoColumn = errors.New("no such column")

func (r *run) postgresColumn(ctx context.Context, column string) (postgresState, error) {
	var s postgresState
	err := r.d.Bound(r.db).QueryRowContext(ctx, `
SELECT a.attnotnull, a.attinhcount > 0, n.ours,
	EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
	(SELECT c.convalidated FROM pg_constraint AS c WHERE c.conrelid = a.attrelid AND c.conname = n.ours),
	EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = a.attrelid AND c.contype = 'c' AND c.convalidated
		AND pg_get_constraintdef(c.oid) = format('CHECK ((%I IS NOT NULL))', a.attname))
FROM pg_attribute AS a CROSS JOIN LATERAL (SELECT 'bgtransform_not_null_' || a.attnum AS ours) AS n
WHERE a.attrelid = CAST(`+dialect.Arg+` AS oid) AND a.attname = `+dialect.Arg+` AND a.attnum > 0 AND NOT a.attisdropped`, r.oid, column).
		Scan(&s.notNull, &s.attached, &s.check, &s.key, &s.checked, &s.proved)
	if errors.Is(err, sql.ErrNoRows) {
		return s, errNoColumn
	}
	return s, err
}

// known is postgresColumn for a column that has to be there.
func (r *run) postgresKnown(ctx context.Context, column string) (postgresState, error) {
	s, err := r.postgresColumn(ctx, column)
	if errors.Is(err, errNoColumn) {
		return s, refused("it has no column %q", column)
	}
	return s, err
}

// postgresNotNull adds a check for rows to come, validates it for those that are there,
// and has SET NOT NULL take it as its proof.
func (r *run) postgresNotNull(column string) plan {
	name, none := r.quote(column), r.once(r.postgresNone, nulls(column))
	return func(ctx context.Context) (*step, error) {
		s, err := r.postgresKnown(ctx, column)
		if err != nil {
			return nil, err
		}
		alter := "ALTER TABLE " + r.from
		switch ours := r.quote(s.check); {
		case s.notNull && s.checked.Valid:
			return &step{"drop the check that has served", r.postgresBrief(alter + " DROP CONSTRAINT " + ours)}, nil
		case s.notNull:
			return nil, nil
		case s.proved:
			return &step{"set NOT NULL, which a valid check proves", r.postgresBrief(alter + " ALTER COLUMN " + name + " SET NOT NULL")}, nil
		case s.checked.Valid:
			return r.postgresValidate(s.check, nulls(column), true), nil
		}
		if err := none(ctx, name+" IS NULL"); err != nil {
			return nil, err
		}
		add := alter + " ADD CONSTRAINT " + r.quote(s.check) + " CHECK (" + name + " IS NOT NULL) NOT VALID"
		return &step{"add a check for rows to come", r.postgresBrief(add)}, nil
	}
}

// postgresValidate validates a check beside the app. One that rows stand against is
// dropped again, if it is to be, for it would refuse each update of these rows.
func (r *run) postgresValidate(check, which string, drop bool) *step {
	say := "validate the check, beside the app"
	validate := r.postgresBeside(say, "ALTER TABLE "+r.from+" VALIDATE CONSTRAINT "+r.quote(check))
	return &step{say, func(ctx context.Context) error {
		err := validate(ctx)
		if err == nil || r.d.Code(err) != "23514" { // check_violation
			return err
		}
		if !drop {
			return &failure{kind: ErrRows, cause: err, text: fmt.Sprintf("%s; check %q was there, not validated, before this call and is left as it is", which, check)}
		}
		if err := r.postgresBrief("ALTER TABLE " + r.from + " DROP CONSTRAINT IF EXISTS " + r.quote(check))(ctx); err != nil {
			return err // the next try finds the same rows, and drops it
		}
		return r.rowsError(which, err)
	}}
}

// postgresNone returns an error if there is a row for which a condition is true. It
// reads the table beside the app.
func (r *run) postgresNone(ctx context.Context, condition, which string) error {
	found := false
	err := r.db.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.Tx.ExecContext(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return err
		}
		return tx.Tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM "+r.from+" WHERE "+condition+")").Scan(&found)
	})
	if err == nil && found {
		return r.rowsError(which, nil)
	}
	return err
}

func (r *run) postgresRelax(column string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.postgresKnown(ctx, column)
		switch {
		case err != nil:
			return nil, err
		case s.key:
			return nil, refused("column %q is part of the primary key, which is never NULL", column)
		case s.checked.Valid:
			return &step{"drop the check of a NOT NULL that was under way", r.postgresBrief("ALTER TABLE " + r.from + " DROP CONSTRAINT " + r.quote(s.check))}, nil
		case !s.notNull:
			return nil, nil
		}
		return &step{"drop NOT NULL", r.postgresBrief("ALTER TABLE " + r.from + " ALTER COLUMN " + r.quote(column) + " DROP NOT NULL")}, nil
	}
}
