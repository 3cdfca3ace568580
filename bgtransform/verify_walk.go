package bgtransform

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// longestStretch is how many keys a sample walks at once at most, of which it
// looks at a few. They are entries of an index, and no row of them is read.
const longestStretch = 10_000

// verifier is what the verifications of [Rows] and [SQL] share: which keys are
// looked at.
type verifier struct {
	walker
	req VerifyRequest
}

// part is the keys of a batch that a verification looks at.
type part struct {
	keyset.Range
	end keyset.Key // the last key of the stretch that the range is a sample of; nil: there is no other than the range
}

// within returns the condition that a row's key lies in p. A sample ends with
// its stretch, also when keys before it were deleted while it was chosen: what
// follows is for the next batch.
func (v *verifier) within(p part) (string, []any) {
	cond, args := v.walk.Within(p.Range)
	if p.end == nil || p.N == 0 {
		return cond, args
	}
	more, moreArgs := v.walk.Within(keyset.Range{Hi: p.end})
	return cond + " AND " + more, append(slices.Clip(args), moreArgs...)
}

// stretch reads the keys that follow the request's cursor, and returns those
// that are to be looked at. The step covers all of them.
func (v *verifier) stretch(ctx context.Context, q dialect.Querier, req Request) (part, Step, error) {
	if v.req.Sample >= 1 {
		r, step, err := v.next(ctx, q, req)
		return part{Range: r}, step, err
	}
	wide := req
	wide.Limit = min(longestStretch, int(float64(req.Limit)/v.req.Sample))
	whole, step, err := v.next(ctx, q, wide)
	if err != nil || whole.N == 0 {
		return part{}, step, err
	}
	n := min(req.Limit, max(1, int(math.Round(float64(whole.N)*v.req.Sample))))
	from := whole.Lo
	if lead := v.lead(req.After, whole.N-n); lead > 0 {
		before, err := v.walk.Next(ctx, q, from, lead)
		if err != nil {
			return part{}, Step{}, err
		}
		if before.N > 0 {
			from = before.Hi
		}
	}
	r, err := v.walk.Next(ctx, q, from, n)
	return part{Range: r, end: whole.Hi}, step, err
}

// lead is how many keys of a stretch come before those that are looked at. It
// is the same whenever a batch is tried again, and another for each stretch and
// each verification.
func (v *verifier) lead(after string, most int) int {
	if most <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, v.req.Number, "/", after)
	return int(h.Sum64() % uint64(most+1))
}

// suspects are rows of a range by their keys' text.
type suspects struct {
	pending []string
	wrong   []string
	held    int // rows in quarantine that would be among them
}

// suspect returns the rows of cond that are pending or match wrong, without
// those in quarantine. A row that is pending is not wrong.
func (v *verifier) suspect(ctx context.Context, q dialect.Querier, skip Skips, wrong, cond string, args []any) (suspects, error) {
	var s suspects
	pending, err := v.keysWhere(ctx, q, cond+" AND ("+v.pending+")", args...)
	if err != nil {
		return s, fmt.Errorf("look for pending rows: %w", err)
	}
	for _, key := range pending {
		if skip.Has(key) {
			s.held++
		} else {
			s.pending = append(s.pending, key)
		}
	}
	if wrong == "" {
		return s, nil
	}
	found, err := v.keysWhere(ctx, q, cond+" AND ("+wrong+")", args...)
	if err != nil {
		return s, fmt.Errorf("look for wrong rows: %w", err)
	}
	for _, key := range without(found, pending) {
		if skip.Has(key) {
			s.held++
		} else {
			s.wrong = append(s.wrong, key)
		}
	}
	return s, nil
}

// refused reports whether an error comes of the data of the only row that a
// batch looks at: then that row is listed, and the others are not held up. With
// more rows, the runner halves the batch first.
func (v *verifier) refused(p part, err error) bool {
	return err != nil && p.N == 1 && v.d.Classify(err) == dialect.BadRow
}

// uncheckedRefused is the class of a row for which a condition fails.
const uncheckedRefused = MismatchUnchecked + ": refused by the database"

// listRefused completes a step over one row of which the database cannot say
// whether it is pending, or wrong.
func listRefused(step Step, p part, skip Skips, class string) (Step, error) {
	key, err := p.Hi.Encode()
	if err != nil || skip.Has(key) {
		return step, err
	}
	list := []Mismatch{{Key: key, Class: class}}
	step.Apply = func(context.Context, bun.Tx) (Applied, error) { return Applied{Found: 1, Mismatches: list}, nil }
	return step, nil
}

// standing returns those of keys whose rows match a condition still.
func (v *verifier) standing(ctx context.Context, q dialect.Querier, cond string, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return v.table.stillPending(ctx, q, cond, keys)
}

// mismatches makes mismatches of keys.
func mismatches(class string, keys []string) []Mismatch {
	out := make([]Mismatch, len(keys))
	for i, key := range keys {
		out[i] = Mismatch{Key: key, Class: class}
	}
	return out
}

// keysOf decodes keys.
func (t *table) keysOf(texts []string) ([]keyset.Key, error) {
	keys := make([]keyset.Key, len(texts))
	for i, text := range texts {
		key, err := t.key(text)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}
