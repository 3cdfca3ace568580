package bgtransform

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

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
	camera *camera        // of the columns in Writes
}

func newRowVerifier[M any](s *rowStepper[M], req VerifyRequest) *rowVerifier[M] {
	v := &rowVerifier[M]{verifier: verifier{walker: s.walker, req: req}, code: s, full: s.plan, camera: cameraOf(s.table, s.plan.writes)}
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
	before   []int    // for each of the latter, how many of the former come before it
	pending  []string // keys
}

// oddBefore returns the rows that the model cannot be filled from, as far as
// they come before the nth of the others.
func (l *looked[M]) oddBefore(n int) []RowFailure {
	i, _ := slices.BinarySearch(l.before, n)
	return l.odd[:i]
}

// Step implements [Stepper].
func (v *rowVerifier[M]) Step(ctx context.Context, req Request) (Step, error) {
	if v.code.caller.exhausted() {
		return Step{}, errAbandoned
	}
	var r part
	var step Step
	var l looked[M]
	err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = v.stretch(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		l, err = v.look(ctx, q, r, req.Skip)
		return err
	})
	if v.refused(r, err) {
		return listRefused(step, r, req.Skip, uncheckedRefused)
	}
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
		r.Hi, r.end = t.cut, nil
		if l.pending, err = v.pendingIn(ctx, r, req.Skip); err != nil {
			return Step{}, err
		}
		t.failed = append(t.failed, l.oddBefore(t.done)...)
	}
	wrong, err := v.compare(ctx, t.good)
	if err != nil {
		return Step{}, err
	}
	step.Checked = len(t.good)
	for _, c := range wrong {
		if strings.HasPrefix(c.class, MismatchUnchecked) {
			step.Checked--
		}
	}
	step.Apply, err = v.judge(ctx, t, wrong, l.pending)
	return step, err
}

// cutShort ends a step at a key before its end.
func cutShort(step *Step, at keyset.Key, n int) (err error) {
	step.Last, step.Keys = false, n
	step.Cursor, err = at.Encode()
	return err
}

// pendingIn returns the keys of the pending rows in the part of a range that
// was done.
func (v *rowVerifier[M]) pendingIn(ctx context.Context, r part, skip Skips) ([]string, error) {
	var found suspects
	err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		cond, args := v.within(r)
		found, err = v.suspect(ctx, q, skip, "", cond, args)
		return err
	})
	return found.pending, err
}

// look reads all rows of a range.
func (v *rowVerifier[M]) look(ctx context.Context, q dialect.Querier, r part, skip Skips) (l looked[M], err error) {
	cond, args := v.within(r)
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
	one, scanErr := v.code.row(&l.pieces, slices.Clone(values))
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
		l.before = append(l.before, len(l.rows))
	default:
		l.rows = append(l.rows, one)
	}
	return nil
}

// refill makes the models of rows once more, with what is stored in all of
// their columns, and returns the place of each among rows. What is stored may be
// nothing that the model can hold: then nobody knows what code that looks at it
// makes of the row.
func (v *rowVerifier[M]) refill(rows []computed[M]) (out []row[M], places []int) {
	for i := range rows {
		c := &rows[i]
		one := row[M]{key: c.row.key, guard: make([]any, len(v.full.guards)), model: new(M)}
		if err := v.full.scan(slices.Clone(c.row.values), make(keyset.Key, len(v.full.keys)), one.guard, reflect.ValueOf(one.model).Elem()); err != nil {
			c.class = MismatchUnchecked + ": scan"
			continue
		}
		out, places = append(out, one), append(places, i)
	}
	return out, places
}

// judge returns what reports the mismatches, and repairs them where that is
// wanted; nil if there are none.
func (v *rowVerifier[M]) judge(ctx context.Context, t transformed[M], wrong []computed[M], pending []string) (func(context.Context, bun.Tx) (Applied, error), error) {
	if len(pending) > 0 {
		err := v.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
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
