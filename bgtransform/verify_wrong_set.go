package bgtransform

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// setRepair repairs rows by the statement that transforms them.
type setRepair struct {
	*wrongStepper
	set    string
	camera *camera // nil without a journal
}

// prepare returns what locks the rows that are wrong still, and writes these: so
// what is counted, and journaled, is what was written, whatever the app writes
// meanwhile.
func (s *setRepair) prepare(context.Context, []string) (mend, error) {
	return func(ctx context.Context, tx bun.Tx, texts []string) (m mending, err error) {
		keys, err := s.keysOf(texts)
		if err != nil {
			return m, err
		}
		shots, err := s.lock(ctx, tx, keys)
		if err != nil {
			return m, err
		}
		bad, err := s.d.Piecewise(ctx, tx, len(shots), func(ctx context.Context, tx bun.Tx, from, to int) error {
			return s.update(ctx, tx, shots[from:to])
		})
		if err != nil {
			return m, err
		}
		for _, i := range bad {
			m.refused = append(m.refused, shots[i].text)
		}
		if m.left, err = s.standing(ctx, s.d.Bound(tx), s.standsWrong(), texts); err != nil {
			return m, err
		}
		m.repaired = without(textsOf(shots), m.left)
		if s.camera != nil {
			m.images, err = s.camera.changes(ctx, s.d.Bound(tx), shots)
		}
		return m, err
	}, nil
}

// lock returns the rows that are wrong, which nobody else can change from now
// on, with what they hold if that is to be journaled.
func (s *setRepair) lock(ctx context.Context, tx bun.Tx, keys []keyset.Key) ([]shot, error) {
	film := s.camera
	if film == nil {
		film = cameraOf(s.table, nil)
	}
	var shots []shot
	for chunk := range slices.Chunk(keys, 200) {
		cond, args := s.walk.AnyOf(chunk)
		part, err := film.shoot(ctx, s.d.Bound(tx), "("+cond+") AND "+s.standsWrong(), args, s.d.LockRows)
		if err != nil {
			return nil, err
		}
		shots = append(shots, part...)
	}
	return shots, nil
}

func (s *setRepair) update(ctx context.Context, tx bun.Tx, shots []shot) error {
	for chunk := range slices.Chunk(shots, 200) {
		cond, args := s.walk.AnyOf(keysIn(chunk))
		query := "UPDATE " + s.from + " SET " + s.set + " WHERE (" + cond + ") AND " + s.standsWrong()
		if _, err := s.d.Bound(tx).ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

func keysIn(shots []shot) []keyset.Key {
	keys := make([]keyset.Key, len(shots))
	for i, s := range shots {
		keys[i] = s.key
	}
	return keys
}

func textsOf(shots []shot) []string {
	texts := make([]string, len(shots))
	for i, s := range shots {
		texts[i] = s.text
	}
	return texts
}
