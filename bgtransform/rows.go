package bgtransform

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/uptrace/bun"
)

// Rows is a transform in Go code: each row that is pending is read, given to
// Each (or with others to Batch), and written back. M is the bun model of the
// table.
//
// User code runs outside of any transaction, so a slow call holds no locks. A
// row is written only if none of the columns in Reads and Writes has changed
// since it was read, and it is still pending; a row that moved on is left to
// the next pass, so nothing that the app writes meanwhile is ever lost.
//
// Rows that bun would hide because they are soft-deleted are transformed too:
// they are in the table, and the contract step needs them.
type Rows[M any] struct {
	// Name identifies the transform for ever: in the database, in flags, in
	// metrics. Lower-case letters, digits, '-', '_' and '.'. Required.
	Name string

	// Pending is the SQL condition that is true for rows that are still to be
	// transformed, and false once they are, such as "length_ms IS NULL".
	// Required, unless Watermark or Processed tells what is done.
	Pending string

	// PendingArgs fill the placeholders (?) of Pending, as in bun.
	PendingArgs []any

	// Reads are the columns that user code looks at. Only these, Writes and
	// the primary key are set in the model. Nil means all columns of the model.
	Reads []string

	// Writes are the columns that user code sets. No other column is written.
	// Required, unless Watermark or Processed tells what is done: then user code
	// may do all of its work elsewhere.
	Writes []string

	// Watermark tells by two columns of the row whether its last change is done,
	// for a transform that follows the app's changes. The zero value means that
	// Pending tells it; with both, a row is pending if both say so.
	Watermark Watermark

	// Processed keeps the keys of rows that are done, for a transform whose rows
	// do not show it: one that changes a value in place, or has its effect
	// elsewhere. The zero value keeps none. A restart does not empty the set; a
	// revert (see [Control.Revert]) takes out of it the rows that it writes back.
	Processed Processed

	// Wrong is an SQL condition that is true for rows that hold a wrong value
	// after they were transformed, such as "length_ms IS DISTINCT FROM length * 1000".
	// A verification (see [Control.Verify]) then looks for such rows, and calls
	// user code only to repair them. Empty means that it calls user code for every
	// row, with the columns in Writes empty, and compares; that takes Reads
	// without any column of Writes.
	Wrong string

	// WrongArgs fill the placeholders (?) of Wrong, as in bun.
	WrongArgs []any

	// Each transforms one row, in place. An error or a panic puts the row into
	// quarantine and the rest goes on; return [Later] for what is not the row's
	// fault. It must be safe to call again for the
	// same row, should return when its context ends, and must not keep m.
	// Set either Each or Batch.
	Each func(ctx context.Context, m *M) error

	// Batch transforms several rows at once, in place, for instance with one
	// call of an API that takes many. When it fails for several, it is called
	// again for each of them alone, to find those that are at fault.
	Batch func(ctx context.Context, ms []*M) error

	// Parallel is how many calls of Each may run at the same time.
	// Defaults to 1. It must be 0 or 1 with Batch.
	Parallel int

	// Revision is any text that you change when the code in Each or Batch, or
	// an argument of Pending, changes what a row becomes. A run under way then
	// walks all rows once more, and a complete transform opens again; a new
	// Pending or Writes does that by itself. May be empty.
	Revision string

	// Options are the transform's own; zero fields are taken from Config.
	Options Options
}

var (
	_ Transform = Rows[struct{}]{}
	_ Checker   = Rows[struct{}]{}
	_ Verifier  = Rows[struct{}]{}
)

// Definition implements [Transform].
func (r Rows[M]) Definition() Definition {
	return Definition{Name: r.Name, Options: r.Options, Revision: revision(append([]string{"rows", r.Revision, r.Pending, r.Watermark.Changed, r.Watermark.Done}, r.Writes...)...)}
}

// Check implements [Checker].
func (r Rows[M]) Check(db *bun.DB) error {
	var errs []error
	if r.Pending == "" && !r.Watermark.used() && !r.Processed.used() {
		errs = append(errs, errors.New(`Pending is empty; want the SQL condition of rows still to be transformed, such as "length_ms IS NULL"`))
	}
	if len(r.Writes) == 0 && !r.Watermark.used() && !r.Processed.used() {
		errs = append(errs, errors.New("Writes is empty; want the columns that user code sets"))
	}
	if r.Options.Journal && len(r.Writes) == 0 && !r.Watermark.used() {
		errs = append(errs, errors.New("Writes is empty; with Options.Journal there must be a column whose values the journal can keep"))
	}
	if (r.Each == nil) == (r.Batch == nil) {
		errs = append(errs, errors.New("want either Each or Batch, one of the two"))
	}
	if r.Parallel < 0 || (r.Parallel > 1 && r.Batch != nil) {
		errs = append(errs, errors.New("Parallel must be 0 or more, and at most 1 with Batch"))
	}
	if t, err := tableOf(db, reflect.TypeFor[M]()); err != nil {
		errs = append(errs, err)
	} else if err := r.Watermark.check(t); err != nil {
		errs = append(errs, err)
	} else if _, err := newRowPlan(t, r.reads(), r.Writes); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Open implements [Transform].
func (r Rows[M]) Open(ctx context.Context, db *bun.DB) (Stepper, error) {
	s, err := r.open(ctx, db)
	if s == nil {
		return nil, err
	}
	return s, err // with what failed, so that it is known to be ours
}

func (r Rows[M]) open(ctx context.Context, db *bun.DB) (*rowStepper[M], error) {
	t, err := tableOf(db, reflect.TypeFor[M]())
	if err != nil {
		return nil, err
	}
	plan, err := newRowPlan(t, r.reads(), r.Writes)
	if err != nil {
		return nil, err
	}
	if err := t.inspect(ctx, db, plan.columns()); err != nil {
		return nil, err
	}
	plan.resolve(t)
	s := &rowStepper[M]{
		walker: walker{table: t, db: db, limits: limitsOf(ctx), pending: r.pending(db, t)},
		plan:   plan,
		caller: newCaller(ctx),
		def:    r,
		also:   r.Watermark.set(t),
	}
	for _, f := range plan.writes {
		s.getters = append(s.getters, t.d.Getter(db.QueryGen(), f, t.cols[f.Name]))
	}
	if r.Options.Journal {
		kept := slices.Clone(plan.writes)
		if mark := r.Watermark.mark(t); mark != nil && !slices.Contains(kept, mark) {
			kept = append(kept, mark) // a row that is as it was is pending again
		}
		s.camera = cameraOf(t, kept)
		s.camera.every = r.Processed.used() // and no longer in the set
	}
	return s, s.probe(ctx)
}

// pending returns the condition in full.
func (r Rows[M]) pending(db *bun.DB, t *table) string {
	return pendingIn(db, t, r.Pending, r.PendingArgs, r.Watermark)
}

// reads are the columns with those of the watermark, so that a row which the app
// changes meanwhile is not taken for done.
func (r Rows[M]) reads() []string {
	if r.Reads == nil || !r.Watermark.used() {
		return r.Reads
	}
	return append(slices.Clip(r.Reads), r.Watermark.Changed, r.Watermark.Done)
}
