package bgtransform

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// mend writes those of the rows that it was prepared for again that are asked for, by
// their keys, inside a transaction. It may be called again after that was rolled back.
type mend func(ctx context.Context, tx bun.Tx, keys []string) (mending, error)

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

	agreement *agreement // nil: the condition alone says what is wrong
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
	var ask inquiry
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = s.stretch(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		cond, args := s.within(r)
		if found, err = s.suspect(ctx, q, req.Skip, s.wrong, cond, args); err == nil && s.agreement != nil {
			ask, err = s.agreement.look(ctx, q, cond, args)
		}
		return err
	})
	if s.refused(r, err) {
		return listRefused(step, r, req.Skip, s.refusal())
	}
	if err != nil || r.N == 0 {
		return step, err
	}
	odd, err := s.disagreeing(ctx, ask, req.Skip)
	if err != nil {
		return Step{}, err
	}
	found.pending, found.wrong = without(found.pending, keysOfAll(odd)), without(found.wrong, keysOfAll(odd))
	step.Checked = max(0, r.N-len(found.pending)-found.held-unchecked(odd))
	if len(found.wrong)+len(found.pending)+len(odd) == 0 {
		return step, nil
	}
	if err := s.again(ctx, &found); err != nil {
		return Step{}, err
	}
	var write mend
	if s.req.Repair && len(found.wrong) > 0 {
		var refused []Mismatch
		if write, refused, err = s.prepared(ctx, found.wrong); err != nil {
			return Step{}, err
		}
		found.wrong, odd = without(found.wrong, keysOfAll(refused)), append(odd, refused...)
	}
	step.Apply = func(ctx context.Context, tx bun.Tx) (Applied, error) {
		out, err := mended(ctx, tx, found.wrong, write)
		out.Mismatches = slices.Concat(out.Mismatches, odd, mismatches(MismatchPending, found.pending))
		out.Found = len(out.Mismatches)
		return out, err
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

// mended reports rows that are wrong after those that can be were repaired.
func mended(ctx context.Context, tx bun.Tx, wrong []string, write mend) (Applied, error) {
	list := mismatches(MismatchDiffers, wrong)
	if write == nil || len(wrong) == 0 {
		return Applied{Mismatches: list}, nil
	}
	m, err := write(ctx, tx, wrong)
	if err != nil {
		return Applied{}, err
	}
	out := Applied{Images: m.images}
	repaired, refused, left := keySet(m.repaired), keySet(m.refused), keySet(m.left)
	for _, one := range list {
		switch {
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
	return out, nil
}
