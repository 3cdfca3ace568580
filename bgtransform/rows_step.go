package bgtransform

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// rowStepper walks the rows of a [Rows] transform.
type rowStepper[M any] struct {
	walker
	plan   *rowPlan
	caller *caller
	def    Rows[M]
	also   string  // SQL text, of the watermark; empty for none
	camera *camera // nil without a journal

	getters []dialect.Getter // of the columns in Writes
	usual   int              // rows found in the last range

	// Of the set of processed keys.
	rehearses bool // the batches are rolled back
	unmarked  bool // there is none yet
}

// probe reads no rows, so that an error in the pending condition is found
// before the walk begins.
func (s *rowStepper[M]) probe(ctx context.Context) error {
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		_, err := s.find(ctx, q, keyset.Range{}, Skips{})
		return err
	})
	if err != nil {
		return fmt.Errorf("try to read no rows: %w", err)
	}
	return nil
}

// Step implements [Stepper].
func (s *rowStepper[M]) Step(ctx context.Context, req Request) (Step, error) {
	if s.caller.exhausted() {
		return Step{}, errAbandoned
	}
	var r keyset.Range
	var step Step
	var rows found[M]
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = s.next(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		rows, err = s.find(ctx, q, r, req.Skip)
		return err
	})
	if err != nil || r.N == 0 {
		return step, err
	}
	if rows.rows, err = s.undone(ctx, rows.rows); err != nil {
		return Step{}, err
	}
	again := func(ctx context.Context) (f found[M], err error) {
		err = s.read(ctx, func(ctx context.Context, q dialect.Querier) error {
			f, err = s.find(ctx, q, r, req.Skip)
			return err
		})
		if err == nil {
			f.rows, err = s.undone(ctx, f.rows)
		}
		return f, err
	}
	t, err := s.transform(ctx, rows, req.Budget, again)
	if err != nil {
		return Step{}, err
	}
	if t.cut != nil {
		r.N, r.Hi, step.Last = max(1, r.N*t.done/t.of), t.cut, false
		step.Keys = r.N
		if step.Cursor, err = t.cut.Encode(); err != nil {
			return Step{}, err
		}
	}
	step.Failed = t.failed
	if len(t.good) == 0 {
		return step, nil
	}
	update := s.plan.update(s.pending)
	update.Also = s.also
	update.Range, update.RangeArgs = s.walk.Within(r)
	update.Rows = s.values(t.good)
	step.expect = Applied{Found: len(t.good), Changed: len(t.good)}
	if s.camera != nil {
		step.journals = len(t.good)
	}
	step.Apply = func(ctx context.Context, tx bun.Tx) (Applied, error) {
		n, err := s.write(ctx, tx, update)
		applied := Applied{Found: len(t.good), Changed: n}
		if err == nil {
			err = s.mark(ctx, tx, t.good, update.Rows)
		}
		if err == nil {
			applied.retried, err = retried(t.good, update.Rows, req.retried)
		}
		if err == nil && s.camera != nil {
			applied.Images, err = s.images(ctx, tx, r, t.good, update.Rows)
		}
		return applied, err
	}
	if s.def.Processed.used() {
		return step, nil // the rows need not show that they are done
	}
	step.StillPending = func(ctx context.Context, tx bun.Tx) ([]string, error) {
		return s.unfinished(ctx, tx, r, t.good, update.Rows)
	}
	return step, nil
}

// write writes rows back, if the transform writes any column.
func (s *rowStepper[M]) write(ctx context.Context, tx bun.Tx, u dialect.Update) (int, error) {
	if len(u.Sets) > 0 || u.Also != "" {
		return s.d.Write(ctx, tx, u)
	}
	for i := range u.Rows {
		u.Rows[i].Changed = true
	}
	return len(u.Rows), nil
}

// transformed is what user code made of a range.
type transformed[M any] struct {
	good   []row[M]
	failed []RowFailure

	cut      keyset.Key // the last row that was done, when there was no time for the rest
	done, of int        // how many rows that is
}

// transform gives rows to user code, and parts those it could transform from
// those it could not. again reads the rows once more.
func (s *rowStepper[M]) transform(ctx context.Context, f found[M], budget time.Duration, again func(context.Context) (found[M], error)) (t transformed[M], err error) {
	t.failed = f.odd
	rows := f.rows
	if len(rows) == 0 {
		return t, nil
	}
	if s.def.Batch != nil {
		whole, _, err := s.caller.each(ctx, 1, 1, 0, func(ctx context.Context, _ int) error { return s.def.Batch(ctx, models(rows)) })
		if err != nil || whole[0] == nil {
			t.good = rows
			return t, err
		}
		if later, ok := laterOf(whole); ok {
			return t, later
		}
		// Who is at fault is found with rows that the failed call has not touched.
		if f, err = again(ctx); err != nil {
			return t, err
		}
		rows, t.failed = f.rows, f.odd
	}
	failures, done, err := s.each(ctx, models(rows), budget)
	if err != nil {
		return t, err
	}
	if later, ok := laterOf(failures[:done]); ok {
		return t, later
	}
	if done < len(rows) {
		t.cut, t.done, t.of = rows[done-1].key, done, len(rows)
		t.failed = nil // rows behind the cut are read again; those before it come back with the next pass
	}
	t.good = rows[:0] // in the place of those that were read
	for i, one := range rows[:done] {
		f := failures[i]
		if f == nil {
			t.good = append(t.good, one)
			continue
		}
		text, err := one.key.Encode()
		if err != nil {
			return t, err
		}
		t.failed = append(t.failed, RowFailure{Key: text, Class: f.class, Err: f.err})
	}
	return t, nil
}

// each calls user code for every row alone.
func (s *rowStepper[M]) each(ctx context.Context, ms []*M, budget time.Duration) ([]*failure, int, error) {
	fn := s.def.Each
	if fn == nil {
		fn = func(ctx context.Context, m *M) error { return s.def.Batch(ctx, []*M{m}) }
	}
	return s.caller.each(ctx, len(ms), max(1, s.def.Parallel), budget, func(ctx context.Context, i int) error { return fn(ctx, ms[i]) })
}

// models returns the rows' models in a slice of their own: a call that hangs is
// left behind, and may look at it whenever it wakes.
func models[M any](rows []row[M]) []*M {
	ms := make([]*M, len(rows))
	for i := range rows {
		ms[i] = rows[i].model
	}
	return ms
}

// values returns what is written to the rows.
func (s *rowStepper[M]) values(rows []row[M]) []dialect.Row {
	out := make([]dialect.Row, len(rows))
	n := len(s.getters)
	sets := make([]any, len(rows)*n)
	for i, one := range rows {
		model := reflect.ValueOf(one.model).Elem()
		set := sets[i*n : (i+1)*n : (i+1)*n]
		for j, get := range s.getters {
			set[j] = get(model)
		}
		out[i] = dialect.Row{Key: one.key, Set: set, Guard: one.guard}
	}
	return out
}
