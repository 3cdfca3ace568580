package bgtransform

import (
	"context"
	"fmt"
	"reflect"
	"strings"

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
}

// row is one pending row as it was read.
type row[M any] struct {
	key   keyset.Key
	guard []any
	model *M
}

// probe reads no rows, so that an error in the pending condition is found
// before the walk begins.
func (s *rowStepper[M]) probe(ctx context.Context) error {
	if _, err := s.read(ctx, keyset.Range{}, Skips{}); err != nil {
		return fmt.Errorf("try to read no rows: %w", err)
	}
	return nil
}

// Step implements [Stepper].
func (s *rowStepper[M]) Step(ctx context.Context, req Request) (Step, error) {
	r, step, err := s.next(ctx, req)
	if err != nil || r.N == 0 {
		return step, err
	}
	good, failed, err := s.transform(ctx, r, req.Skip)
	if err != nil {
		return Step{}, err
	}
	step.Failed = failed
	if len(good) == 0 {
		return step, nil
	}
	update := s.plan.update(s.table, s.pending)
	update.Rows = s.values(good)
	step.Apply = func(ctx context.Context, tx bun.Tx) (Applied, error) {
		n, err := s.d.Write(ctx, tx, update)
		return Applied{Found: len(good), Changed: n}, err
	}
	step.StillPending = func(ctx context.Context, tx bun.Tx) ([]string, error) {
		return s.unfinished(ctx, tx, r, good)
	}
	return step, nil
}

// read returns the pending rows of a range, without those in quarantine.
func (s *rowStepper[M]) read(ctx context.Context, r keyset.Range, skip Skips) ([]row[M], error) {
	cond, args := s.walk.Within(r)
	query := "SELECT " + s.plan.selectList() + " FROM " + s.table.from + " WHERE " + cond + " AND (" + s.pending + ") ORDER BY " + strings.Join(s.walk.Keys, ", ")
	found, err := dialect.Bound(s.db).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer found.Close()
	var rows []row[M]
	values := make([]any, len(s.plan.selects))
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return nil, fmt.Errorf("read rows: %w", err)
		}
		one, err := s.row(values)
		if err != nil {
			return nil, err
		}
		if skip.Len() > 0 {
			text, err := one.key.Encode()
			if err != nil {
				return nil, err
			}
			if skip.Has(text) {
				continue
			}
		}
		rows = append(rows, one)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}

func (s *rowStepper[M]) row(values []any) (row[M], error) {
	one := row[M]{key: make(keyset.Key, len(s.plan.keys)), guard: make([]any, len(s.plan.guards)), model: new(M)}
	return one, s.plan.scan(values, one.key, one.guard, reflect.ValueOf(one.model).Elem())
}

// transform reads the rows of a range, gives them to user code, and parts those
// it could transform from those it could not.
func (s *rowStepper[M]) transform(ctx context.Context, r keyset.Range, skip Skips) ([]row[M], []RowFailure, error) {
	rows, err := s.read(ctx, r, skip)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	if s.def.Batch != nil {
		whole, err := s.caller.each(ctx, 1, 1, func(ctx context.Context, _ int) error { return s.def.Batch(ctx, models(rows)) })
		if err != nil || whole[0] == nil {
			return rows, nil, err
		}
		// Who is at fault is found with rows that the failed call has not touched.
		if rows, err = s.read(ctx, r, skip); err != nil {
			return nil, nil, err
		}
	}
	failures, err := s.each(ctx, models(rows))
	if err != nil {
		return nil, nil, err
	}
	good := make([]row[M], 0, len(rows))
	var failed []RowFailure
	for i, one := range rows {
		f := failures[i]
		if f == nil {
			good = append(good, one)
			continue
		}
		text, err := one.key.Encode()
		if err != nil {
			return nil, nil, err
		}
		failed = append(failed, RowFailure{Key: text, Class: f.class, Err: f.err})
	}
	return good, failed, nil
}

// each calls user code for every row alone.
func (s *rowStepper[M]) each(ctx context.Context, ms []*M) ([]*failure, error) {
	fn := s.def.Each
	if fn == nil {
		fn = func(ctx context.Context, m *M) error { return s.def.Batch(ctx, []*M{m}) }
	}
	return s.caller.each(ctx, len(ms), max(1, s.def.Parallel), func(ctx context.Context, i int) error { return fn(ctx, ms[i]) })
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

func (s *rowStepper[M]) values(rows []row[M]) []dialect.Row {
	gen := s.db.QueryGen()
	out := make([]dialect.Row, len(rows))
	sets := make([]any, len(rows)*len(s.plan.writes))
	for i, one := range rows {
		model := reflect.ValueOf(one.model).Elem()
		set := sets[i*len(s.plan.writes) : (i+1)*len(s.plan.writes)]
		for j, f := range s.plan.writes {
			set[j] = dialect.Value(gen, f, model)
		}
		out[i] = dialect.Row{Key: one.key, Set: set, Guard: one.guard}
	}
	return out
}

// unfinished returns the keys of rows that were written and match the pending
// condition all the same.
func (s *rowStepper[M]) unfinished(ctx context.Context, tx bun.Tx, r keyset.Range, written []row[M]) ([]string, error) {
	cond, args := s.walk.Within(r)
	keys, err := s.keysWhere(ctx, tx, cond+" AND ("+s.pending+")", args...)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	ours := make(map[string]bool, len(written))
	for _, one := range written {
		text, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		ours[text] = true
	}
	left := keys[:0]
	for _, k := range keys {
		if ours[k] {
			left = append(left, k)
		}
	}
	return left, nil
}
