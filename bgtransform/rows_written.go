package bgtransform

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// changedKeys returns the keys of the rows that were written. At one that has moved on the
// next pass looks.
func changedKeys[M any](rows []row[M], written []dialect.Row) ([]string, error) {
	keys := make([]string, 0, len(rows))
	for i, one := range rows {
		if !written[i].Changed {
			continue
		}
		text, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		keys = append(keys, text)
	}
	return keys, nil
}

// retried returns the keys of rows in quarantine that were written.
func retried[M any](rows []row[M], written []dialect.Row, among Skips) ([]string, error) {
	if among.Len() == 0 {
		return nil, nil
	}
	keys, err := changedKeys(rows, written)
	return among.among(keys), err
}

// unfinished returns the keys of rows that were written and match the pending
// condition all the same.
func (s *rowStepper[M]) unfinished(ctx context.Context, tx bun.Tx, r keyset.Range, rows []row[M], written []dialect.Row) ([]string, error) {
	cond, args := s.walk.Within(r)
	keys, err := s.keysWhere(ctx, s.d.Bound(tx), cond+" AND ("+s.pending+")", args...)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	ours, err := changedKeys(rows, written)
	return skipsOf(ours).among(keys), err
}
