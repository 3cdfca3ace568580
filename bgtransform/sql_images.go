package bgtransform

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// updateKeys bounds the keys that one statement names.
const updateKeys = 500

// applyJournaled locks and reads the rows that are to be changed, changes just
// these, and reads them again: what is journaled is what is changed, whatever
// others write between the statements.
func (s *sqlStepper) applyJournaled(ctx context.Context, tx bun.Tx, r keyset.Range, skip string, skipArgs []any) (Applied, error) {
	q := s.d.Bound(tx)
	cond, args := s.todo(r, skip, skipArgs)
	shots, err := s.camera.shoot(ctx, q, cond, args, s.d.LockRows)
	if err != nil {
		return Applied{}, err
	}
	applied := Applied{Found: len(shots)}
	if applied.Changed, err = s.updateShot(ctx, tx, cond, args, shots); err != nil {
		return Applied{}, err
	}
	if !s.d.AffectedIsMatched {
		applied.Changed = len(shots) // which are locked; the server leaves out those that hold the new values already
	}
	s.dense = applied.Changed == r.N
	before := make(map[string]string, len(shots))
	for _, shot := range shots {
		before[shot.text] = shot.held
	}
	applied.Images, err = s.camera.after(ctx, q, r, before)
	return applied, err
}

// updateShot changes the rows that were read. Where the database is not ours
// alone, a row may have become pending since: so it names them.
func (s *sqlStepper) updateShot(ctx context.Context, tx bun.Tx, cond string, args []any, shots []shot) (changed int, err error) {
	if s.d.LockRows == "" {
		return s.updateWhere(ctx, tx, cond, args)
	}
	for chunk := range slices.Chunk(shots, updateKeys) {
		keys := make([]keyset.Key, len(chunk))
		for i, shot := range chunk {
			keys[i] = shot.key
		}
		those, keyArgs := s.walk.AnyOf(keys)
		n, err := s.updateWhere(ctx, tx, cond+" AND ("+those+")", slices.Concat(args, keyArgs))
		if err != nil {
			return 0, err
		}
		changed += n
	}
	return changed, nil
}
