package bgtransform

import (
	"context"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// images returns the images of the rows that were written: before, what the
// guards have held them to; after, what the database has made of the values.
func (s *rowStepper[M]) images(ctx context.Context, tx bun.Tx, r keyset.Range, rows []row[M], written []dialect.Row) ([]Image, error) {
	places := s.plan.guardsOf(s.camera.fields)
	values := make([]any, len(places))
	before := make(map[string]string, len(rows))
	for i, one := range rows {
		if !written[i].Changed {
			continue
		}
		key, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		for j, place := range places {
			values[j] = one.guard[place]
		}
		if before[key], err = s.camera.encode(values); err != nil {
			return nil, err
		}
	}
	return s.camera.after(ctx, s.d.Bound(tx), r, before)
}

// guardsOf returns where in the guards some columns are, all of which are guarded.
func (p *rowPlan) guardsOf(fields []*schema.Field) []int {
	places := make([]int, len(fields))
	for i, f := range fields {
		places[i] = slices.Index(p.guards, f)
	}
	return places
}
