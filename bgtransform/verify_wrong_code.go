package bgtransform

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// prepareCode repairs rows by the user code that transforms them.
func (s *rowStepper[M]) prepareCode(w *wrongStepper) func(ctx context.Context, keys []string) (mend, error) {
	return func(ctx context.Context, texts []string) (mend, error) {
		rows, err := s.findWrong(ctx, w, texts)
		if err != nil {
			return nil, err
		}
		t, err := s.transform(ctx, rows, 0, func(ctx context.Context) (found[M], error) { return s.findWrong(ctx, w, texts) })
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, tx bun.Tx, texts []string) (m mending, err error) {
			good, err := among(t.good, texts)
			if err != nil {
				return m, err
			}
			update := s.plan.update(w.standsWrong())
			update.Rows = s.values(good)
			bad, err := s.writePiecewise(ctx, tx, update)
			if err != nil {
				return m, err
			}
			refused, done := placesOf(bad), []string{}
			for i, one := range good {
				text, err := one.key.Encode()
				switch {
				case err != nil:
					return m, err
				case refused[i]:
					m.refused = append(m.refused, text)
				case update.Rows[i].Changed:
					done = append(done, text)
				}
			}
			if m.left, err = w.standing(ctx, s.d.Bound(tx), w.standsWrong(), texts); err != nil {
				return m, err
			}
			m.repaired = without(done, m.left)
			if s.camera != nil {
				m.images, err = developed(ctx, s.d.Bound(tx), s.camera, s.plan, good, update.Rows)
			}
			return m, err
		}, nil
	}
}

// among returns those of rows whose keys are wanted.
func among[M any](rows []row[M], keys []string) ([]row[M], error) {
	wanted := keySet(keys)
	var out []row[M]
	for _, one := range rows {
		text, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		if wanted[text] {
			out = append(out, one)
		}
	}
	return out, nil
}

func (s *rowStepper[M]) findWrong(ctx context.Context, w *wrongStepper, texts []string) (f found[M], err error) {
	keys, err := s.keysOf(texts)
	if err != nil {
		return f, err
	}
	err = s.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		for chunk := range slices.Chunk(keys, 200) {
			cond, args := s.walk.AnyOf(chunk)
			if err := s.findWhere(ctx, q, "("+cond+") AND "+w.standsWrong(), args, Skips{}, &f); err != nil {
				return err
			}
		}
		return nil
	})
	return f, err
}

// writePiecewise writes rows, and returns the places of those that the database refuses.
func (s *rowStepper[M]) writePiecewise(ctx context.Context, tx bun.Tx, u dialect.Update) ([]int, error) {
	return s.d.Piecewise(ctx, tx, len(u.Rows), func(ctx context.Context, tx bun.Tx, from, to int) error {
		part := u
		part.Rows = u.Rows[from:to]
		for i := range part.Rows {
			part.Rows[i].Changed = false // what a savepoint has undone
		}
		_, err := s.write(ctx, tx, part)
		return err
	})
}
