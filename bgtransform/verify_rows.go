package bgtransform

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// rowVerifier computes the rows of a [Rows] transform once more, and compares.
type rowVerifier[M any] struct {
	verifier
	code   *rowStepper[M] // runs user code; its plan leaves the columns in Writes empty
	full   *rowPlan       // fills those too, with what is stored
	stored []int          // for each column in Writes, its place among the guards
}

func newRowVerifier[M any](s *rowStepper[M], req VerifyRequest) *rowVerifier[M] {
	v := &rowVerifier[M]{verifier: verifier{walker: s.walker, req: req}, code: s, full: s.plan}
	blind := *s.plan
	blind.selects = slices.Clone(s.plan.selects)
	for i, sel := range blind.selects {
		if slices.Contains(blind.writes, sel.field) {
			blind.selects[i].field = nil
		}
	}
	s.plan = &blind
	for _, f := range blind.writes {
		v.stored = append(v.stored, slices.Index(blind.guards, f))
	}
	return v
}

// looked are the rows of a range, parted by what a verification makes of them.
type looked[M any] struct {
	found[M]          // to be compared, and those that the model cannot be filled from
	pending  []string // keys
}

// Step implements [Stepper].
func (v *rowVerifier[M]) Step(ctx context.Context, req Request) (Step, error) {
	if v.code.caller.exhausted() {
		return Step{}, errAbandoned
	}
	var r keyset.Range
	var step Step
	var l looked[M]
	err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = v.stretch(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		l, err = v.look(ctx, q, r, req.Skip)
		return err
	})
	if err != nil || r.N == 0 {
		return step, err
	}
	again := func(ctx context.Context) (found[M], error) {
		err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
			l, err = v.look(ctx, q, r, req.Skip)
			return err
		})
		return l.found, err
	}
	t, err := v.code.transform(ctx, l.found, req.Budget, again)
	if err != nil {
		return Step{}, err
	}
	if t.cut != nil {
		if err := cutShort(&step, t.cut, max(1, r.N*t.done/t.of)); err != nil {
			return Step{}, err
		}
		if l.pending, err = v.pendingUpTo(ctx, keyset.Range{Lo: r.Lo, Hi: t.cut}, req.Skip); err != nil {
			return Step{}, err
		}
		for _, f := range l.odd { // where the cut is among them is not known: better twice than never
			if !slices.ContainsFunc(t.failed, func(g RowFailure) bool { return g.Key == f.Key }) {
				t.failed = append(t.failed, f)
			}
		}
	}
	step.Checked = len(t.good)
	step.Apply, err = v.judge(ctx, t, l.pending)
	return step, err
}

// cutShort ends a step at a key before its end.
func cutShort(step *Step, at keyset.Key, n int) (err error) {
	step.Last, step.Keys = false, n
	step.Cursor, err = at.Encode()
	return err
}

// pendingUpTo returns the keys of the pending rows in the part of a range that
// was done.
func (v *rowVerifier[M]) pendingUpTo(ctx context.Context, r keyset.Range, skip Skips) ([]string, error) {
	var found suspects
	err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		cond, args := v.walk.Within(r)
		found, err = v.suspect(ctx, q, skip, "", cond, args)
		return err
	})
	return found.pending, err
}

// look reads all rows of a range.
func (v *rowVerifier[M]) look(ctx context.Context, q dialect.Querier, r keyset.Range, skip Skips) (l looked[M], err error) {
	cond, args := v.walk.Within(r)
	query := "SELECT " + v.full.selectList() + ", CASE WHEN (" + v.walker.pending + ") THEN 1 ELSE 0 END FROM " + v.from +
		" WHERE " + cond + " ORDER BY " + v.walk.Order()
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return l, fmt.Errorf("read rows: %w", err)
	}
	defer rows.Close()
	values := make([]any, len(v.full.selects))
	var pending int64
	dest := make([]any, len(values), len(values)+1)
	for i := range values {
		dest[i] = &values[i]
	}
	dest = append(dest, &pending)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return l, fmt.Errorf("read rows: %w", err)
		}
		if err := v.sort(&l, slices.Clone(values), pending != 0, skip); err != nil {
			return l, err
		}
	}
	if err := rows.Err(); err != nil {
		return l, fmt.Errorf("read rows: %w", err)
	}
	return l, nil
}

// sort puts a row where it belongs.
func (v *rowVerifier[M]) sort(l *looked[M], values []any, pending bool, skip Skips) error {
	one, scanErr := v.code.row(slices.Clone(values))
	one.values = values
	if !pending && scanErr == nil && skip.Len() == 0 {
		l.rows = append(l.rows, one)
		return nil
	}
	text, err := one.key.Encode()
	switch {
	case err != nil:
		return err
	case skip.Has(text):
	case pending:
		l.pending = append(l.pending, text)
	case scanErr != nil:
		l.odd = append(l.odd, RowFailure{Key: text, Class: "scan", Err: scanErr})
	default:
		l.rows = append(l.rows, one)
	}
	return nil
}

// refill makes the models of rows once more, with what is stored in all of
// their columns.
func (v *rowVerifier[M]) refill(rows []computed[M]) ([]row[M], error) {
	out := make([]row[M], len(rows))
	for i, c := range rows {
		one := row[M]{key: c.row.key, guard: make([]any, len(v.full.guards)), model: new(M)}
		if err := v.full.scan(slices.Clone(c.row.values), make(keyset.Key, len(v.full.keys)), one.guard, reflect.ValueOf(one.model).Elem()); err != nil {
			return nil, err
		}
		out[i] = one
	}
	return out, nil
}

// judge compares what user code made of the rows with what is stored, and
// returns what reports the mismatches, and repairs them where that is wanted.
func (v *rowVerifier[M]) judge(ctx context.Context, t transformed[M], pending []string) (func(context.Context, bun.Tx) (Applied, error), error) {
	wrong, err := v.compare(ctx, t.good)
	if err != nil {
		return nil, err
	}
	if len(pending) > 0 {
		err = v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
			pending, err = v.standing(ctx, q, v.walker.pending, pending)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	list := mismatches(MismatchPending, pending)
	for _, f := range t.failed {
		list = append(list, Mismatch{Key: f.Key, Class: MismatchUnchecked + ": " + f.Class})
	}
	if len(wrong)+len(list) == 0 {
		return nil, nil
	}
	return func(ctx context.Context, tx bun.Tx) (Applied, error) { return v.report(ctx, tx, wrong, list) }, nil
}

// report writes the rows that are to be repaired, and lists all mismatches.
func (v *rowVerifier[M]) report(ctx context.Context, tx bun.Tx, wrong []computed[M], list []Mismatch) (Applied, error) {
	list = slices.Clone(list)
	update := v.full.update("")
	for _, c := range wrong {
		if !v.req.Repair || c.class != MismatchDiffers {
			list = append(list, Mismatch{Key: c.text, Class: c.class, Columns: c.differ})
			continue
		}
		update.Rows = append(update.Rows, dialect.Row{Key: c.row.key, Set: c.set, Guard: c.row.guard})
	}
	refused, err := v.code.writePiecewise(ctx, tx, update)
	if err != nil {
		return Applied{}, err
	}
	out, n := Applied{}, 0
	for _, c := range wrong {
		if !v.req.Repair || c.class != MismatchDiffers {
			continue
		}
		switch {
		case slices.Contains(refused, n):
			list = append(list, Mismatch{Key: c.text, Class: MismatchRefused, Columns: c.differ})
		case update.Rows[n].Changed:
			list = append(list, Mismatch{Key: c.text, Class: MismatchDiffers, Columns: c.differ, Repaired: true})
			out.Changed++
		} // else it has moved on, and is none
		n++
	}
	out.Found, out.Mismatches = len(list), list
	return out, nil
}
