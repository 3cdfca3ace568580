package bgtransform_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// A move is finished in the foreground only with the pool's consent, whether Run looks
// at the pool beside it or not, and the pool knows who finishes it.
func TestFinishAsksThePool(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	registry := new(fleettest.Memory)
	cfg := quick(t)
	cfg.Fleet, cfg.Window = registry, window.Never()
	old := fleet.Member{Instance: "old", Term: "k1"}
	must(t, registry.Announce(t.Context(), old, time.Hour))
	s := newFinisher(t, db, cfg, dualTrack{toMS("x"), newLength(t)})
	waited := make(chan struct{})
	told := sync.OnceFunc(func() { close(waited) })
	done := make(chan error, 1)
	go func() { // ends with what it finishes
		done <- s.Finish(t.Context(), "x", bgtransform.FinishOptions{Progress: func(st bgtransform.Status) {
			if st.Here.Code == bgtransform.ReasonFleet && strings.Contains(st.Here.Text, "old") {
				told()
			}
		}})
	}()
	select {
	case <-waited:
	case err := <-done:
		t.Fatalf("it did not wait for the old instance: %v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
		t.Errorf("%d rows were moved beside an instance that writes only the old column", n)
	}
	must(t, registry.Leave(t.Context(), old))
	must(t, <-done)
	all, err := registry.Members(t.Context())
	must(t, err)
	if live := fleet.Pool(all).Live(); len(live) != 0 || len(all) != 2 {
		t.Errorf("the pool is %+v, want two that are gone", all)
	}

	exec(t, db, "UPDATE tracks SET length_ms = NULL")
	running := start(t, db, cfg, dualTrack{toMS("y"), newLength(t)})
	must(t, finish(t, running.Scheduler, "y"))
}
