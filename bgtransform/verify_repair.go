package bgtransform

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// report repairs the rows that are to be, and lists all mismatches.
func (v *rowVerifier[M]) report(ctx context.Context, tx bun.Tx, wrong []computed[M], list []Mismatch) (Applied, error) {
	list = slices.Clone(list)
	var mend []computed[M]
	for _, c := range wrong {
		if v.req.Repair && c.class == MismatchDiffers {
			mend = append(mend, c)
		} else {
			list = append(list, Mismatch{Key: c.text, Class: c.class, Columns: c.differ})
		}
	}
	out := Applied{Found: len(list), Mismatches: list}
	if len(mend) == 0 {
		return out, nil
	}
	err := v.repair(ctx, tx, mend, &out)
	out.Found = len(out.Mismatches)
	return out, err
}

// repair writes rows while all that was read of them stands. One that moves on
// is no mismatch; one that the database refuses, or that a trigger puts back, is
// left as it is.
func (v *rowVerifier[M]) repair(ctx context.Context, tx bun.Tx, mend []computed[M], out *Applied) error {
	update := v.full.update(v.settled())
	rows := make([]row[M], len(mend))
	for i, c := range mend {
		rows[i] = c.row
		update.Rows = append(update.Rows, dialect.Row{Key: c.row.key, Set: c.set, Guard: c.row.guard})
	}
	bad, err := v.code.writePiecewise(ctx, tx, update)
	if err != nil {
		return err
	}
	images, err := developed(ctx, v.d.Bound(tx), v.camera, v.full, rows, update.Rows)
	if err != nil {
		return err
	}
	if v.code.camera != nil {
		out.Images = images
	}
	written := make(map[string]bool, len(images))
	for _, im := range images {
		written[im.Key] = true
	}
	refused := placesOf(bad)
	for i, c := range mend {
		one := Mismatch{Key: c.text, Class: MismatchDiffers, Columns: c.differ}
		switch {
		case written[c.text]:
			one.Repaired = true
			out.Changed++
		case refused[i], update.Rows[i].Changed:
			one.Class = MismatchRefused
		default:
			continue
		}
		out.Mismatches = append(out.Mismatches, one)
	}
	return nil
}

// developed returns the images of the rows that were written and hold something
// else now.
func developed[M any](ctx context.Context, q dialect.Querier, c *camera, p *rowPlan, rows []row[M], written []dialect.Row) ([]Image, error) {
	before, err := shotsBefore(c, p, rows, written)
	if err != nil {
		return nil, err
	}
	return c.changes(ctx, q, before)
}

// shotsBefore returns what the rows that were written held before, as the
// guards have held them to it.
func shotsBefore[M any](c *camera, p *rowPlan, rows []row[M], written []dialect.Row) ([]shot, error) {
	places := p.guardsOf(c.fields)
	held := make([]any, len(places))
	var before []shot
	for i, one := range rows {
		if !written[i].Changed {
			continue
		}
		for j, place := range places {
			held[j] = one.guard[place]
		}
		s := shot{key: one.key}
		var err error
		if s.text, err = s.key.Encode(); err != nil {
			return nil, err
		}
		if s.held, err = c.encode(held); err != nil {
			return nil, err
		}
		before = append(before, s)
	}
	return before, nil
}

// changes returns the images of those rows that no longer hold the bytes that
// they held before.
func (c *camera) changes(ctx context.Context, q dialect.Querier, before []shot) ([]Image, error) {
	var images []Image
	for chunk := range slices.Chunk(before, 200) {
		cond, args := c.walk.AnyOf(keysIn(chunk))
		shots, err := c.shoot(ctx, q, cond, args, "")
		if err != nil {
			return nil, err
		}
		after := make(map[string]string, len(shots))
		for _, s := range shots {
			after[s.text] = s.held
		}
		for _, s := range chunk {
			if held, there := after[s.text]; there && held != s.held {
				images = append(images, Image{Key: s.text, Before: s.held, After: held})
			}
		}
	}
	return images, nil
}

// placesOf makes a set of places.
func placesOf(list []int) map[int]bool {
	set := make(map[int]bool, len(list))
	for _, i := range list {
		set[i] = true
	}
	return set
}

// keySet makes a set of keys.
func keySet(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, key := range list {
		set[key] = true
	}
	return set
}
