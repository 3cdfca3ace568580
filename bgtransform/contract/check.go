package contract

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// Check is a check constraint to be.
type Check struct {
	Table string
	Name  string // required
	Expr  string // SQL, which must not be false for any row
}

// AddCheck adds a check for all rows, those that are there and those to come. It returns [ErrRows]
// if there are rows that it refuses. A check of that name that is there already counts as the same.
func AddCheck(ctx context.Context, db *bun.DB, check Check, opts ...Option) error {
	if check.Name == "" || check.Expr == "" {
		return errors.New("contract: a check needs Name and Expr")
	}
	return change(ctx, db, check.Table, fmt.Sprintf("add check %q", check.Name), plans{
		postgres: func(r *run) plan { return r.postgresAddCheck(check) },
		mysql:    func(r *run) plan { return r.mysqlAddCheck(check) },
		sqlite:   func(r *run) plan { return r.sqliteAddCheck(check) },
	}, opts)
}

// refuses are the rows that are in the way of a check.
func (c Check) refuses() string { return fmt.Sprintf("some rows do not meet %s", c.Expr) }
