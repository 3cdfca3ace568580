package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// SQL is a transform that one SQL expression can do: each batch is a single
// UPDATE over a range of keys, the fastest way there is. M is the bun model
// of the table; nothing but its table name and primary key is used.
//
//	UPDATE tracks SET <Set> WHERE <key in the range> AND (<Pending>)
//
// Rows that bun would hide because they are soft-deleted are transformed too:
// they are in the table, and the contract step needs them.
type SQL[M any] struct {
	// Name identifies the transform for ever: in the database, in flags, in
	// metrics. Lower-case letters, digits, '-', '_' and '.'. Required.
	Name string

	// Pending is the SQL condition that is true for rows that are still to be
	// transformed, and false once they are. Required, unless Watermark tells
	// what is done.
	Pending string

	// PendingArgs fill the placeholders (?) of Pending, as in bun.
	PendingArgs []any

	// Set is the SET clause, such as "length_ms = length * 1000". Required.
	Set string

	// SetArgs fill the placeholders (?) of Set, as in bun.
	SetArgs []any

	// Revision is any text that you change when an argument of Pending or Set
	// changes what a row becomes. A run under way then walks all rows once more,
	// and a complete transform opens again; a new Pending or Set does that by
	// itself. May be empty.
	Revision string

	// Watermark tells by two columns of the row whether its last change is done,
	// for a transform that follows the app's changes. The zero value means that
	// Pending tells it; with both, a row is pending if both say so.
	Watermark Watermark

	// Writes are the columns that Set assigns. Required with Options.Journal,
	// which keeps what they held; not used otherwise.
	Writes []string

	// Wrong is an SQL condition that is true for rows that hold a wrong value
	// after they were transformed, such as "length_ms IS DISTINCT FROM length * 1000".
	// A verification (see [Control.Verify]) looks for such rows, and, if it is to
	// repair them, applies Set to them once more. Empty means that there is none.
	Wrong string

	// WrongArgs fill the placeholders (?) of Wrong, as in bun.
	WrongArgs []any

	// Options are the transform's own; zero fields are taken from Config.
	Options Options
}

var (
	_ Transform = SQL[struct{}]{}
	_ Checker   = SQL[struct{}]{}
	_ Verifier  = SQL[struct{}]{}
)

// Definition implements [Transform].
func (s SQL[M]) Definition() Definition {
	return Definition{Name: s.Name, Options: s.Options, Revision: revision("sql", s.Revision, s.Pending, s.Set, s.Watermark.Changed, s.Watermark.Done)}
}

// Check implements [Checker].
func (s SQL[M]) Check(db *bun.DB) error {
	var errs []error
	if s.Pending == "" && !s.Watermark.used() {
		errs = append(errs, errors.New(`Pending is empty; want the SQL condition of rows still to be transformed, such as "length_ms IS NULL"`))
	}
	if s.Set == "" {
		errs = append(errs, errors.New(`Set is empty; want a SET clause, such as "length_ms = length * 1000"`))
	}
	t, err := tableOf(db, reflect.TypeFor[M]())
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if s.Options.Journal && len(s.Writes) == 0 {
		errs = append(errs, errors.New("Writes is empty; with Options.Journal, name the columns that Set assigns"))
	}
	if _, err = t.written(s.Writes); err == nil {
		err = s.Watermark.check(t)
	}
	return errors.Join(append(errs, err)...)
}

// Open implements [Transform].
func (s SQL[M]) Open(ctx context.Context, db *bun.DB) (Stepper, error) {
	st, err := s.open(ctx, db)
	if st == nil {
		return nil, err
	}
	return st, err // with what failed, so that it is known to be ours
}

func (s SQL[M]) open(ctx context.Context, db *bun.DB) (*sqlStepper, error) {
	t, err := tableOf(db, reflect.TypeFor[M]())
	if err != nil {
		return nil, err
	}
	writes, err := t.written(s.Writes)
	if err != nil {
		return nil, err
	}
	if mark := s.Watermark.mark(t); mark != nil && s.Options.Journal && !slices.Contains(writes, mark) {
		writes = append(writes, mark) // a row that is as it was is pending again
	}
	if err := t.inspect(ctx, db, namesOf(writes)); err != nil {
		return nil, err
	}
	st := &sqlStepper{
		walker: walker{table: t, db: db, limits: limitsOf(ctx), pending: pendingIn(db, t, s.Pending, s.PendingArgs, s.Watermark)},
		set:    formatSQL(db, s.Set, s.SetArgs),
	}
	st.repair = st.set
	if also := s.Watermark.set(t); also != "" {
		st.set += ", " + also
	}
	if s.Options.Journal {
		st.camera = cameraOf(t, writes)
	}
	return st, st.probe(ctx, db)
}

// formatSQL fills the placeholders of a piece of SQL, once.
func formatSQL(db *bun.DB, query string, args []any) string {
	return db.QueryGen().FormatQuery(query, args...)
}

type sqlStepper struct {
	walker
	set    string
	repair string  // set without the watermark's mark, which a repair leaves as it is
	camera *camera // nil without a journal

	// dense tells whether all rows of the last batch were pending: most tables
	// are pending as a whole, and then not at all.
	dense bool

	coming coming
}

// probe runs the statement over no rows, so that an error in it is found
// before anything is written.
func (s *sqlStepper) probe(ctx context.Context, db *bun.DB) error {
	changed := 0
	err := s.d.Transact(ctx, db, s.limits, func(ctx context.Context, tx bun.Tx) (err error) {
		if changed, err = s.update(ctx, tx, keyset.Range{}, "", nil); err != nil {
			return err
		}
		return errRolledBack
	})
	switch {
	case !errors.Is(err, errRolledBack):
		return fmt.Errorf("try the update over no rows: %w", err)
	case changed > 0:
		return &schemaError{"the update reaches beyond its range of keys (tried over none, it changed rows, and was rolled back); are the parentheses in Pending and Set in order?"}
	default:
		return nil
	}
}

// Step implements [Stepper].
func (s *sqlStepper) Step(ctx context.Context, req Request) (Step, error) {
	var r keyset.Range
	var step Step
	var skip string
	var args []any
	var err error
	if came, ok := s.came(req); ok {
		r = came
		step, err = s.stepOver(r, req)
	} else {
		err = s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
			if r, step, err = s.next(ctx, q, req); err != nil || r.N == 0 {
				return err
			}
			skip, args, err = s.skipped(ctx, q, r, req.Skip)
			return err
		})
	}
	if err != nil || r.N == 0 {
		return step, err
	}
	if s.dense {
		step.expect = Applied{Found: r.N, Changed: r.N}
		if s.camera != nil {
			step.journals = r.N
		}
	}
	var ours []string // the rows that are about to be changed
	cond, condArgs := s.todo(r, skip, args)
	step.Apply = func(ctx context.Context, tx bun.Tx) (_ Applied, err error) {
		if req.Check {
			if ours, err = s.keysWhere(ctx, s.d.Bound(tx), cond+s.locking(), condArgs...); err != nil {
				return Applied{}, err
			}
		}
		apply := s.apply
		if s.camera != nil {
			apply = s.applyJournaled
		}
		applied, err := apply(ctx, tx, r, skip, args)
		applied.retried = req.retried.among(ours)
		if err == nil {
			err = s.lookAhead(ctx, tx, r, req.Limit)
		}
		return applied, err
	}
	step.StillPending = func(ctx context.Context, tx bun.Tx) ([]string, error) {
		left, err := s.keysWhere(ctx, s.d.Bound(tx), cond, condArgs...)
		return slices.DeleteFunc(left, func(key string) bool { return !slices.Contains(ours, key) }), err
	}
	return step, nil
}

// locking makes of a SELECT one that locks what it finds: what the app makes
// pending after it is not taken for a row that we have changed. On SQLite the
// transaction keeps everybody else from writing.
func (s *sqlStepper) locking() string {
	if s.d.Name == "sqlite" {
		return ""
	}
	return " FOR UPDATE"
}

// skipped returns the condition that leaves out the rows in quarantine, which
// names no other keys than those of the range; "" when there are none.
func (s *sqlStepper) skipped(ctx context.Context, q dialect.Querier, r keyset.Range, skip Skips) (string, []any, error) {
	if skip.Len() == 0 {
		return "", nil, nil
	}
	cond, args := s.todo(r, "", nil)
	pending, err := s.keysWhere(ctx, q, cond, args...)
	if err != nil {
		return "", nil, err
	}
	var keys []keyset.Key
	for _, text := range pending {
		if !skip.Has(text) {
			continue
		}
		key, err := s.key(text)
		if err != nil {
			return "", nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return "", nil, nil
	}
	cond, args = s.walk.AnyOf(keys)
	return " AND NOT (" + cond + ")", args, nil
}

// todo returns the condition of the rows in a range that are to be changed.
func (s *sqlStepper) todo(r keyset.Range, skip string, skipArgs []any) (string, []any) {
	cond, args := s.walk.Within(r)
	return cond + " AND (" + s.pending + ")" + skip, append(slices.Clip(args), skipArgs...)
}

func (s *sqlStepper) apply(ctx context.Context, tx bun.Tx, r keyset.Range, skip string, args []any) (Applied, error) {
	if s.dense && !s.d.AffectedIsMatched {
		if all, err := s.updateAll(ctx, tx, r, skip, args); all || err != nil {
			return Applied{Found: r.N, Changed: r.N}, err
		}
	}
	found, err := s.lock(ctx, tx, r, skip, args)
	if err != nil {
		return Applied{}, err
	}
	changed, err := s.update(ctx, tx, r, skip, args)
	if err != nil {
		return Applied{}, err
	}
	changed = max(found, changed)
	s.dense = changed == r.N
	return Applied{Found: changed, Changed: changed}, nil
}

// updateAll changes each row of a range, or none: a count of all of them leaves out
// none that holds the new values already, so that there is nothing to look for
// first. It saves a trip while a table is pending as a whole.
func (s *sqlStepper) updateAll(ctx context.Context, tx bun.Tx, r keyset.Range, skip string, args []any) (bool, error) {
	if _, err := tx.Tx.ExecContext(ctx, "SAVEPOINT bgt_range"); err != nil {
		return false, err
	}
	if changed, err := s.update(ctx, tx, r, skip, args); err != nil || changed == r.N {
		return err == nil, err
	}
	_, err := tx.Tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT bgt_range")
	return false, err
}

// lock counts and locks the rows that the update will find, on a database whose
// updates do not count the rows that hold the new values already: else such
// rows would be found pending for ever, and never counted as written.
func (s *sqlStepper) lock(ctx context.Context, tx bun.Tx, r keyset.Range, skip string, args []any) (found int, err error) {
	if s.d.AffectedIsMatched {
		return 0, nil
	}
	cond, args := s.todo(r, skip, args)
	query := "SELECT count(*) FROM " + s.from + " WHERE " + cond + " FOR UPDATE"
	err = s.d.Bound(tx).QueryRowContext(ctx, query, args...).Scan(&found)
	return found, err
}

func (s *sqlStepper) update(ctx context.Context, db bun.IDB, r keyset.Range, skip string, skipArgs []any) (int, error) {
	cond, args := s.todo(r, skip, skipArgs)
	return s.updateWhere(ctx, db, cond, args)
}

func (s *sqlStepper) updateWhere(ctx context.Context, db bun.IDB, cond string, args []any) (int, error) {
	res, err := s.d.Bound(db).ExecContext(ctx, "UPDATE "+s.from+" SET "+s.set+" WHERE "+cond, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
