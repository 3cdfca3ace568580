package bgtransformtest

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// OpenRevert implements [bgtransform.Reverter].
func (s *subject) OpenRevert(ctx context.Context, db *bun.DB) (bgtransform.Undoer, error) {
	kind, ok := s.Transform.(bgtransform.Reverter)
	if !ok {
		return nil, fmt.Errorf("%T does not implement bgtransform.Reverter", s.Transform)
	}
	done, err := s.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	inner, err := heard(s.said, func() (bgtransform.Undoer, error) { return kind.OpenRevert(ctx, db) })
	if err != nil {
		return nil, err
	}
	return &undoer{inner: inner, s: s}, nil
}

// undoer takes the turn around each call of the transform's own.
type undoer struct {
	inner bgtransform.Undoer
	s     *subject
}

// Undo implements [bgtransform.Undoer].
func (u *undoer) Undo(ctx context.Context, tx bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
	u.s.own(true)
	return inTurn(u.s, func(ctx context.Context, tx bun.Tx) ([]bgtransform.Undone, error) {
		return u.inner.Undo(ctx, tx, images)
	})(ctx, tx)
}
