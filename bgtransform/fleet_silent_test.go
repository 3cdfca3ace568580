package bgtransform_test

import (
	"context"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// mute is a registry in which nobody leaves, as one who is killed does not.
type mute struct{ fleet.Registry }

func (mute) Leave(context.Context, fleet.Member) error { return nil }

// Of those that are gone it is told who has not left, on each database.
func TestFleetTellsWhoFellSilent(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		db := newDBOn(t, d.kind, 10)
		must(t, store.Create(t.Context(), db))
		registry, err := store.NewFleet(db)
		must(t, err)
		control, err := bgtransform.NewControl(db)
		must(t, err)
		var all []*instance
		for name, r := range map[string]fleet.Registry{"left": registry, "killed": mute{registry}} {
			cfg := member(t, name, "1.5")
			cfg.Fleet, cfg.FleetRules.TTL = r, 2*time.Second
			transform, _ := moves(t)
			all = append(all, start(t, db, cfg, transform))
		}
		pool := func() map[string]bgtransform.PoolMember {
			members, err := control.Fleet(t.Context())
			must(t, err)
			by := map[string]bgtransform.PoolMember{}
			for _, m := range members {
				by[m.Instance] = m
			}
			return by
		}
		late := func() { t.Fatalf("the pool is %+v", pool()) }
		eventually(t, func() bool { p := pool(); return p["left"].Live && p["killed"].Live }, late)
		for _, in := range all {
			in.stop()
		}
		eventually(t, func() bool { p := pool(); return !p["left"].Live && !p["killed"].Live }, late)
		if p := pool(); p["left"].Silent || !p["killed"].Silent {
			t.Errorf("the one that left: %+v; the one that was killed: %+v", p["left"], p["killed"])
		}
	})
}
