package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// run is one call of a function of this package.
type run struct {
	config

	db    *bun.DB
	d     *dialect.Dialect
	table string
	from  string // the table, quoted, with its schema where there is one
	what  string // is to be done, for the log

	// PostgreSQL only.
	oid         int64
	schemaSQL   string // quoted
	partitioned bool
}

// step is what is done next. It can be done again.
type step struct {
	say string // for the log

	// run does it. It is given up and planned anew where its error says that the
	// table is busy.
	run func(ctx context.Context) error
}

// plan looks at the database and returns what is to be done next; nil when there
// is nothing left to do.
type plan func(ctx context.Context) (*step, error)

// plans are those of a change, one for each kind of database.
type plans struct {
	postgres, mysql, sqlite func(r *run) plan

	// alone says that PostgreSQL cannot keep two calls apart by itself.
	alone bool
}

// change makes one change of a table. what names it in errors.
func change(ctx context.Context, db *bun.DB, table, what string, p plans, opts []Option) error {
	if err := apply(ctx, db, table, what, p, opts); err != nil {
		return fmt.Errorf("contract: table %q: %s: %w", table, what, err)
	}
	return nil
}

func apply(ctx context.Context, db *bun.DB, table, what string, p plans, opts []Option) error {
	c, err := configure(opts)
	if err != nil {
		return err
	}
	d, err := dialect.For(db)
	if err != nil {
		return err
	}
	r := &run{config: c, db: db, d: d, table: table, what: what}
	if r.from = r.quote(table); r.schema != "" {
		r.from = r.quote(r.schema) + "." + r.from
	}
	return r.ended(ctx, r.make(ctx, p))
}

// make makes the change.
func (r *run) make(ctx context.Context, p plans) error {
	switch r.d.Name {
	case "pg":
		if err := r.postgresTable(ctx); err != nil {
			return err
		}
		if p.alone {
			return r.postgresAlone(ctx, func(ctx context.Context) error { return r.follow(ctx, p.postgres(r)) })
		}
		return r.follow(ctx, p.postgres(r))
	case "mysql":
		return r.follow(ctx, p.mysql(r))
	default:
		return r.follow(ctx, p.sqlite(r))
	}
}

// mostSteps is far more than any plan has. Whoever gets there is not alone.
const mostSteps = 50

// follow does what the plan says, and looks again after each step, be it done or not. A call
// that finds nothing to do says so: it was made before, or a name in it is misspelt.
func (r *run) follow(ctx context.Context, next plan) error {
	t := tries{run: r, wait: backoff.Backoff{Min: 2 * r.lock, Max: max(longestPause, 2*r.lock)}, say: "look at the table"}
	var last error
	for done := 0; done < mostSteps; {
		s, err := next(ctx)
		switch {
		case err == nil && s == nil:
			if done == 0 {
				r.logger.InfoContext(ctx, "contract has nothing to do", "table", r.table, "change", r.what)
			}
			return nil
		case err == nil:
			t.begin(ctx, s.say)
			err = s.run(ctx)
		}
		switch {
		case err == nil, errors.Is(err, errMeanwhile):
			done, last = done+1, err
			t.reset()
		case !r.again(ctx, err):
			return err
		default:
			if err := t.giveWay(ctx, err); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("it does not come to an end: somebody else takes back what it does (last error: %w)", last)
}

// again tells whether an error says no more than that somebody is in the way.
func (r *run) again(ctx context.Context, err error) bool {
	if errors.Is(err, errElsewhere) {
		return true
	}
	if _, ours := errors.AsType[*failure](err); ours || ctx.Err() != nil {
		return false
	}
	class := r.d.Classify(err)
	return class == dialect.Transient || class == dialect.Timeout
}

// ended returns the error of the whole, without values of rows.
func (r *run) ended(ctx context.Context, err error) error {
	if _, ours := errors.AsType[*failure](err); err == nil || ours {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.d.Classify(err) == dialect.BadRow {
		return &failure{kind: ErrRows, text: "the server refused a row (code " + r.d.Code(err) + ")", cause: err}
	}
	return err
}

// holder says who is in the way, as far as the server tells; empty if it does not.
func (r *run) holder(ctx context.Context) string {
	var who string
	var err error
	switch r.d.Name {
	case "pg":
		who, err = r.postgresHolder(ctx)
	case "mysql":
		who, err = r.mysqlHolder(ctx)
	}
	if err != nil {
		return "" // whom it does not show to this user
	}
	return who
}

// rowsError says which rows are in the way, and what to do.
func (r *run) rowsError(which string, cause error) error {
	todo := "move or mend them first"
	if r.transform != "" {
		todo = fmt.Sprintf("transform %q has to complete first; its status says what is missing", r.transform)
	}
	return &failure{kind: ErrRows, text: which + ": " + todo + ". Nothing is changed", cause: cause}
}

// once returns a look for rows that stand against a change, which is made once for all
// tries: it reads the whole table. What comes after the look, the server finds.
func (r *run) once(look func(ctx context.Context, condition, which string) error, which string) func(ctx context.Context, condition string) error {
	clear := false
	return func(ctx context.Context, condition string) error {
		if clear {
			return nil
		}
		r.logger.InfoContext(ctx, "contract step", "table", r.table, "step", "look for rows that stand against it")
		err := look(ctx, condition, which)
		clear = err == nil
		return err
	}
}

// quote makes an identifier of a name, whatever is in it.
func (r *run) quote(name string) string {
	q := string(r.db.Dialect().IdentQuote())
	return q + strings.ReplaceAll(name, q, q+q) + q
}

// quoted is quote for several names, separated by commas.
func (r *run) quoted(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = r.quote(name)
	}
	return strings.Join(all, ", ")
}
