package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// phases weighs how the instances that are alive treat the old column.
func (w *weigher) phases(ctx context.Context, st bgtransform.Status, fresh bool) ([]Missing, error) {
	pool, there, err := w.pool(ctx)
	if err != nil || !there {
		return nil, err
	}
	missing := w.standing(st, pool, fresh)
	if fresh || len(missing) > 0 {
		return missing, nil
	}
	return w.returned(ctx, st.Transform, pool)
}

// pool returns the instances that have announced themselves; false where nowhere is for it.
func (w *weigher) pool(ctx context.Context) (pool fleet.Pool, there bool, err error) {
	registry := w.registry
	if registry == nil {
		registry = w.store.Fleet()
	}
	seen, err := registry.Members(ctx)
	if errors.Is(err, bgtransform.ErrUnknownTransform) { // the table is not there
		return nil, false, w.ours(ctx)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read which instances are alive: %w", err)
	}
	if pool = fleet.Pool(seen); w.app != "" {
		pool = pool.Of(w.app)
	}
	return pool, true, nil
}

// standing says who reads or writes the old column still. In a fresh installation
// nobody needs to have announced himself.
func (w *weigher) standing(st bgtransform.Status, pool fleet.Pool, fresh bool) []Missing {
	name := st.Transform
	phase := Missing{Transform: name, Piece: PiecePhase, Remaining: -1}
	if len(pool) == 0 {
		phase.Text = "no instance has announced itself, so nobody knows who reads the old column; start the app, or name the registry in which its instances do (gate.Fleet, gate.App)"
		if fresh {
			return nil
		}
		return []Missing{phase}
	}
	if verdict := pool.Contract(name, ""); !verdict.OK {
		onward, commands := w.onward(st, readers(pool, name))
		phase.Text, phase.Commands, phase.Until = verdict.Why+onward, commands, untilIn(verdict.In)
		return []Missing{phase}
	}
	if writer, n := writes(pool, name); n > 0 && w.noOldWrites {
		return []Missing{{
			Transform: name, Piece: PieceWrites, Remaining: -1, Commands: []string{w.say("status", name)},
			Text: fmt.Sprintf("the old column is still written by %d of the instances that are alive, such as %s; deploy a version without it", n, writer),
		}}
	}
	return nil
}

// writes returns an instance that writes the old column, and how many do.
func writes(pool fleet.Pool, name string) (first string, n int) {
	for _, s := range pool.Live() {
		next, moves := s.Next[name]
		if s.Stage(name) == fleet.After && (!moves || next == fleet.After) {
			continue
		}
		if n++; n == 1 {
			first = s.String()
		}
	}
	return first, n
}

func untilIn(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}
