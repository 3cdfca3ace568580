package bgtransform_test

import (
	"context"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

// halting is a registry that holds up who announces a step, until it is told to go on.
type halting struct {
	*fleettest.Memory
	steps, goOn chan struct{}
}

func (h halting) Announce(ctx context.Context, m fleet.Member, ttl time.Duration) error {
	if len(m.Next) > 0 {
		select {
		case h.steps <- struct{}{}:
			<-h.goOn
		default: // a later step
		}
	}
	return h.Memory.Announce(ctx, m, ttl)
}

// Who waits until a phase is where it comes to waits neither too short, while the step is being
// agreed on, nor for what others keep it from.
func TestFleetPhaseIsMoving(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	h := halting{new(fleettest.Memory), make(chan struct{}, 1), make(chan struct{})}
	cfg := member(t, "web-1", "1.5")
	cfg.Fleet = h
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseFallback))
	idle := newcomer(t, db, cfg, move)
	if st := idle.Phases()[0]; st.Held != dualread.PhaseOld || !st.Moving {
		t.Errorf("before the pool was looked at it is %+v, want it to be moving", st)
	}
	move, column = moves(t)
	must(t, column.SetPhase(dualread.PhaseFallback))
	in := start(t, db, cfg, move)
	<-h.steps
	if st := in.Phases()[0]; st.Held != dualread.PhaseOld || !st.Moving {
		t.Errorf("as the first step is being announced it is %+v, want it to be moving", st)
	}
	close(h.goOn)
	if st := in.untilPhase("x", dualread.PhaseFallback); st.Moving {
		t.Errorf("at its end it is %+v, still moving", st)
	}
	announced(t, h.Memory, fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
	if st := in.untilPhase("x", dualread.PhaseOld); st.Moving {
		t.Errorf("beside a version that writes only the old column it is %+v, moving", st)
	}
}

// A pool that cannot be looked at is nothing to wait for.
func TestFleetPhaseIsNotMovingWithoutAPool(t *testing.T) {
	t.Parallel()
	cfg := member(t, "web-1", "1.5")
	cfg.Fleet = deadRegistry{}
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseFallback))
	in := start(t, newDB(t, 1), cfg, move)
	in.untilPhases("x", "not moving", func(st bgtransform.PhaseStatus) bool { return !st.Moving && st.Held == dualread.PhaseOld })
}
