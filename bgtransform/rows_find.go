package bgtransform

import (
	"context"
	"fmt"
	"reflect"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// row is one pending row as it was read.
type row[M any] struct {
	key   keyset.Key
	guard []any
	model *M

	values []any // as they were read; kept by a verification only
}

// found are the pending rows of a range, without those in quarantine, parted
// from those that the model cannot be filled from.
type found[M any] struct {
	rows []row[M]
	odd  []RowFailure

	pieces pieces[M]
}

// find reads the pending rows of a range.
func (s *rowStepper[M]) find(ctx context.Context, q dialect.Querier, r keyset.Range, skip Skips) (f found[M], err error) {
	cond, args := s.walk.Within(r)
	f.rows = make([]row[M], 0, min(r.N, s.usual))
	err = s.findWhere(ctx, q, cond+" AND ("+s.pending+")", args, skip, &f)
	s.usual = len(f.rows)
	return f, err
}

// findWhere adds the rows that match a condition.
func (s *rowStepper[M]) findWhere(ctx context.Context, q dialect.Querier, cond string, args []any, skip Skips, f *found[M]) error {
	query := "SELECT " + s.plan.selectList() + " FROM " + s.table.from + " WHERE " + cond + " ORDER BY " + s.walk.Order()
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	defer rows.Close()
	values := make([]any, len(s.plan.selects))
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		if err := s.add(f, values, skip); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}

// add puts a row where it belongs.
func (s *rowStepper[M]) add(f *found[M], values []any, skip Skips) error {
	one, scanErr := s.row(&f.pieces, values)
	if skip.Len() > 0 || scanErr != nil {
		text, err := one.key.Encode()
		switch {
		case err != nil:
			return err
		case skip.Has(text):
			return nil
		case scanErr != nil:
			f.odd = append(f.odd, RowFailure{Key: text, Class: "scan", Err: scanErr})
			return nil
		}
	}
	f.rows = append(f.rows, one)
	return nil
}

// row makes a row of the values that were read.
func (s *rowStepper[M]) row(from *pieces[M], values []any) (row[M], error) {
	one := from.row(len(s.plan.keys), len(s.plan.guards))
	return one, s.plan.scan(values, one.key, one.guard, reflect.ValueOf(one.model).Elem())
}

// pieces are what rows are cut from: many share one piece of memory, because an
// allocation for each part of each row is more work than to fill it. The zero
// value is ready.
type pieces[M any] struct {
	models []M
	values []any
	size   int // rows in the last piece
}

// The rows of the first piece, and of the largest.
const (
	firstPiece = 8
	mostPiece  = 256
)

// row returns an empty row.
func (p *pieces[M]) row(keys, guards int) row[M] {
	if len(p.models) == 0 {
		p.size = min(max(firstPiece, 2*p.size), mostPiece)
		p.models, p.values = make([]M, p.size), make([]any, p.size*(keys+guards))
	}
	one := row[M]{key: p.values[:keys:keys], guard: p.values[keys : keys+guards : keys+guards], model: &p.models[0]}
	p.models, p.values = p.models[1:], p.values[keys+guards:]
	return one
}
