package bgtransform

import (
	"context"
	"fmt"
	"hash/fnv"

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

// stretch reads the keys that follow the request's cursor, and returns the
// range of those that are to be looked at. The step covers all of them.
func (v *verifier) stretch(ctx context.Context, q dialect.Querier, req Request) (keyset.Range, Step, error) {
	if v.req.Sample >= 1 {
		return v.next(ctx, q, req)
	}
	wide := req
	wide.Limit = min(longestStretch, int(float64(req.Limit)/v.req.Sample))
	whole, step, err := v.next(ctx, q, wide)
	if err != nil || whole.N == 0 {
		return whole, step, err
	}
	n := min(req.Limit, max(1, int(float64(whole.N)*v.req.Sample)))
	from := whole.Lo
	if lead := v.lead(req.After, whole.N-n); lead > 0 {
		before, err := v.walk.Next(ctx, q, from, lead)
		if err != nil {
			return keyset.Range{}, Step{}, err
		}
		from = before.Hi
	}
	r, err := v.walk.Next(ctx, q, from, n)
	return r, step, err
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
}

// suspect returns the rows of cond that are pending or match wrong, without
// those in quarantine. A row that is pending is not wrong.
func (v *verifier) suspect(ctx context.Context, q dialect.Querier, skip Skips, wrong, cond string, args []any) (suspects, error) {
	var s suspects
	pending, err := v.keysWhere(ctx, q, cond+" AND ("+v.pending+")", args...)
	if err != nil {
		return s, fmt.Errorf("look for pending rows: %w", err)
	}
	known := make(map[string]bool, len(pending))
	for _, key := range pending {
		known[key] = true
		if !skip.Has(key) {
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
	for _, key := range found {
		if !known[key] && !skip.Has(key) {
			s.wrong = append(s.wrong, key)
		}
	}
	return s, nil
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
