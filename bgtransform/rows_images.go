package bgtransform

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// images returns the images of the rows that were written: before, what the
// guards have held them to; after, what the database has made of the values.
func (s *rowStepper[M]) images(ctx context.Context, tx bun.Tx, r keyset.Range, rows []row[M], written []dialect.Row) ([]Image, error) {
	places := s.plan.writtenGuards()
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

// writtenGuards returns where in the guards the columns are that are written.
func (p *rowPlan) writtenGuards() []int {
	places := make([]int, len(p.writes))
	for i, w := range p.writes {
		for j, g := range p.guards {
			if g == w {
				places[i] = j
			}
		}
	}
	return places
}
