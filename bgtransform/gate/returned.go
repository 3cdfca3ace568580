package gate

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// returned weighs what a complete transform cannot know while no instance of its own looks
// at the pool: that somebody was there who wrote only the old column, after the walk over
// all rows had begun that found nothing left. Once a version without the old column has
// run, that one looks, and puts the transform in dispute.
func (w *weigher) returned(ctx context.Context, name string, pool fleet.Pool) ([]Missing, error) {
	rec, err := w.store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	walked := rec.Swept()
	if rec.Transform.State != string(bgtransform.StateComplete) || rec.Transform.ContractedMS > 0 || walked == 0 {
		return nil, nil
	}
	last, found := pool.Last(name, fleet.Before)
	if !found || pool.Cleared(name, rec.Ago(walked)) {
		return nil, nil
	}
	return []Missing{{
		Transform: name, Piece: PieceComplete, Remaining: -1, Commands: []string{w.say("finish", name)},
		Text: fmt.Sprintf("%s was there after the last walk over all rows had begun, and knows the old column only: what it wrote has not been looked for yet", last),
	}}, nil
}
