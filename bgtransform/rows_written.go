package bgtransform

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// retried returns the keys of rows in quarantine that were written.
func retried[M any](rows []row[M], written []dialect.Row, among Skips) (keys []string, err error) {
	if among.Len() == 0 {
		return nil, nil
	}
	for i, one := range rows {
		if !written[i].Changed {
			continue // it moved on: the next pass looks at it
		}
		text, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		if among.Has(text) {
			keys = append(keys, text)
		}
	}
	return keys, nil
}

// unfinished returns the keys of rows that were written and match the pending
// condition all the same.
func (s *rowStepper[M]) unfinished(ctx context.Context, tx bun.Tx, r keyset.Range, rows []row[M], written []dialect.Row) ([]string, error) {
	cond, args := s.walk.Within(r)
	keys, err := s.keysWhere(ctx, s.d.Bound(tx), cond+" AND ("+s.pending+")", args...)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	ours := make(map[string]bool, len(rows))
	for i, one := range rows {
		if !written[i].Changed {
			continue // it moved on: the next pass looks at it
		}
		text, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		ours[text] = true
	}
	left := keys[:0]
	for _, k := range keys {
		if ours[k] {
			left = append(left, k)
		}
	}
	return left, nil
}
