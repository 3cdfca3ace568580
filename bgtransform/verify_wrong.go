package bgtransform

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// mend writes wrong rows again inside the runner's transaction.
type mend func(ctx context.Context, tx bun.Tx) (mending, error)

// mending is what became of rows that were wrong, by their keys. The others
// have moved on.
type mending struct {
	repaired []string
	left     []string // still wrong
	refused  []string // of those, whose new value the database refuses
}

// wrongStepper verifies by a condition that is true for rows that are wrong.
type wrongStepper struct {
	verifier
	wrong string // SQL text, complete

	// prepare does what the repair of some rows needs outside of a transaction.
	prepare func(ctx context.Context, keys []string) (mend, error)
}

// probe looks at no rows, so that an error in the condition is found before the
// walk begins.
func (s *wrongStepper) probe(ctx context.Context) error {
	var found []string
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		cond, args := s.walk.Within(keyset.Range{})
		found, err = s.keysWhere(ctx, q, cond+" AND ("+s.wrong+")", args...)
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("try Wrong over no rows: %w", err)
	case len(found) > 0:
		return &schemaError{"Wrong reaches beyond its range of keys; are its parentheses in order?"}
	default:
		return nil
	}
}

// Step implements [Stepper].
func (s *wrongStepper) Step(ctx context.Context, req Request) (Step, error) {
	var r keyset.Range
	var step Step
	var found suspects
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = s.stretch(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		cond, args := s.walk.Within(r)
		found, err = s.suspect(ctx, q, req.Skip, s.wrong, cond, args)
		return err
	})
	if err != nil || r.N == 0 {
		return step, err
	}
	step.Checked = max(0, r.N-len(found.pending))
	if len(found.wrong)+len(found.pending) == 0 {
		return step, nil
	}
	if err := s.again(ctx, &found); err != nil {
		return Step{}, err
	}
	var write mend
	if s.req.Repair && len(found.wrong) > 0 {
		if write, err = s.prepare(ctx, found.wrong); err != nil {
			return Step{}, err
		}
	}
	step.Apply = func(ctx context.Context, tx bun.Tx) (Applied, error) {
		list := append(mismatches(MismatchDiffers, found.wrong), mismatches(MismatchPending, found.pending)...)
		return mended(ctx, tx, list, write)
	}
	return step, nil
}

// again looks a second time at rows that seem wrong: an app that writes both
// sides in two steps has come to the second by then.
func (s *wrongStepper) again(ctx context.Context, found *suspects) error {
	return s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if found.wrong, err = s.standing(ctx, q, "("+s.wrong+") AND "+s.settled(), found.wrong); err != nil {
			return err
		}
		found.pending, err = s.standing(ctx, q, s.pending, found.pending)
		return err
	})
}

// settled is the condition of rows that are not pending.
func (w *walker) settled() string { return "CASE WHEN (" + w.pending + ") THEN 1 ELSE 0 END = 0" }

// mended reports mismatches after those that can be were repaired.
func mended(ctx context.Context, tx bun.Tx, list []Mismatch, write mend) (Applied, error) {
	if write == nil {
		return Applied{Found: len(list), Mismatches: list}, nil
	}
	m, err := write(ctx, tx)
	if err != nil {
		return Applied{}, err
	}
	var out Applied
	for _, one := range list {
		switch {
		case one.Class == MismatchPending:
		case slices.Contains(m.repaired, one.Key):
			one.Repaired = true
			out.Changed++
		case slices.Contains(m.refused, one.Key):
			one.Class = MismatchRefused
		case !slices.Contains(m.left, one.Key):
			continue
		}
		out.Mismatches = append(out.Mismatches, one)
	}
	out.Found = len(out.Mismatches)
	return out, nil
}

// prepareSet repairs rows by the statement that transforms them.
func (s *wrongStepper) prepareSet(set string) func(ctx context.Context, keys []string) (mend, error) {
	return func(_ context.Context, texts []string) (mend, error) {
		keys, err := s.keysOf(texts)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, tx bun.Tx) (m mending, err error) {
			before, err := s.standing(ctx, s.d.Bound(tx), s.wrong, texts)
			if err != nil {
				return m, err
			}
			bad, err := s.d.Piecewise(ctx, tx, len(keys), func(ctx context.Context, tx bun.Tx, from, to int) error {
				return s.updateWrong(ctx, tx, set, keys[from:to])
			})
			if err != nil {
				return m, err
			}
			for _, i := range bad {
				m.refused = append(m.refused, texts[i])
			}
			m.left, err = s.standing(ctx, s.d.Bound(tx), s.wrong, texts)
			m.repaired = without(before, m.left)
			return m, err
		}, nil
	}
}

func (s *wrongStepper) updateWrong(ctx context.Context, tx bun.Tx, set string, keys []keyset.Key) error {
	for chunk := range slices.Chunk(keys, 200) {
		cond, args := s.walk.AnyOf(chunk)
		query := "UPDATE " + s.from + " SET " + set + " WHERE (" + cond + ") AND (" + s.wrong + ") AND " + s.settled()
		if _, err := s.d.Bound(tx).ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

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
		update := s.plan.update(w.wrong)
		update.Rows = s.values(t.good)
		return func(ctx context.Context, tx bun.Tx) (m mending, err error) {
			bad, err := s.writePiecewise(ctx, tx, update)
			if err != nil {
				return m, err
			}
			var done []string
			for i, one := range t.good {
				text, err := one.key.Encode()
				switch {
				case err != nil:
					return m, err
				case slices.Contains(bad, i):
					m.refused = append(m.refused, text)
				case update.Rows[i].Changed:
					done = append(done, text)
				}
			}
			m.left, err = w.standing(ctx, s.d.Bound(tx), w.wrong, texts)
			m.repaired = without(done, m.left)
			return m, err
		}, nil
	}
}

func (s *rowStepper[M]) findWrong(ctx context.Context, w *wrongStepper, texts []string) (f found[M], err error) {
	keys, err := s.keysOf(texts)
	if err != nil {
		return f, err
	}
	err = s.read(ctx, func(ctx context.Context, q dialect.Querier) error {
		for chunk := range slices.Chunk(keys, 200) {
			cond, args := s.walk.AnyOf(chunk)
			part, err := s.findWhere(ctx, q, "("+cond+") AND ("+w.wrong+") AND "+s.settled(), args, Skips{})
			if err != nil {
				return err
			}
			f.rows, f.odd = append(f.rows, part.rows...), append(f.odd, part.odd...)
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
		_, err := s.d.Write(ctx, tx, part)
		return err
	})
}
