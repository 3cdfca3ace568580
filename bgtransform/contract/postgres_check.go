package contract

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

func (r *run) postgresAddCheck(check Check) plan {
	added, none := false, r.once(r.postgresNone, check.refuses())
	return func(ctx context.Context) (*step, error) {
		var valid bool
		err := r.d.Bound(r.db).QueryRowContext(ctx, "SELECT convalidated FROM pg_constraint WHERE conrelid = CAST("+dialect.Arg+" AS oid) AND conname = "+dialect.Arg,
			r.oid, check.Name).Scan(&valid)
		switch {
		case err == nil && valid:
			return nil, nil
		case err == nil:
			return r.postgresValidate(check.Name, check.refuses(), added), nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, err
		}
		if err := none(ctx, "NOT ("+check.Expr+")"); err != nil {
			return nil, err
		}
		add := r.postgresBrief("ALTER TABLE " + r.from + " ADD CONSTRAINT " + r.quote(check.Name) + " CHECK (" + check.Expr + ") NOT VALID")
		return &step{"add the check for rows to come", func(ctx context.Context) error {
			err := add(ctx)
			added = added || err == nil
			return err
		}}, nil
	}
}
