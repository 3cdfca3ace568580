package bgtransform

import (
	"context"
	"fmt"

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

	images []Image // of those repaired, with a journal
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
	var r part
	var step Step
	var found suspects
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = s.stretch(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		cond, args := s.within(r)
		found, err = s.suspect(ctx, q, req.Skip, s.wrong, cond, args)
		return err
	})
	if s.refused(r, err) {
		return listRefused(step, r, req.Skip)
	}
	if err != nil || r.N == 0 {
		return step, err
	}
	step.Checked = max(0, r.N-len(found.pending)-found.held)
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
		if found.wrong, err = s.standing(ctx, q, s.standsWrong(), found.wrong); err != nil {
			return err
		}
		found.pending, err = s.standing(ctx, q, s.pending, found.pending)
		return err
	})
}

// standsWrong is the condition of rows that are wrong, and not just pending.
func (s *wrongStepper) standsWrong() string { return "(" + s.wrong + ") AND " + s.settled() }

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
	out := Applied{Images: m.images}
	repaired, refused, left := keySet(m.repaired), keySet(m.refused), keySet(m.left)
	for _, one := range list {
		switch {
		case one.Class == MismatchPending:
		case repaired[one.Key]:
			one.Repaired = true
			out.Changed++
		case refused[one.Key]:
			one.Class = MismatchRefused
		case !left[one.Key]:
			continue
		}
		out.Mismatches = append(out.Mismatches, one)
	}
	out.Found = len(out.Mismatches)
	return out, nil
}
