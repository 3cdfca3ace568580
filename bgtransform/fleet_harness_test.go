package bgtransform_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// settle is for how long it must be ago that an instance was there that writes only the
// old column, in tests that look at that.
const settle = 500 * time.Millisecond

// member returns the config of one instance of a pool, of a version of the app.
func member(t testing.TB, name, version string) bgtransform.Config {
	t.Helper()
	cfg := quick(t)
	cfg.Instance, cfg.Version = name, version
	cfg.Locker = nil // that of the database: it is one pool
	return cfg
}

// moves is the transform of a move whose condition finds values that are out of date, too.
func moves(t testing.TB) (dualSQL, *dualread.Column[Track, int64]) {
	t.Helper()
	column := newLength(t)
	return dualSQL{bgtransform.SQL[Track]{
		Name: "x", Pending: "length_ms IS NULL OR length_ms <> length * 1000", Set: "length_ms = length * 1000",
	}, column}, column
}

type dualSQL struct {
	bgtransform.SQL[Track]
	column *dualread.Column[Track, int64]
}

func (d dualSQL) DualColumn() bgtransform.DualColumn { return d.column }

// plain is a transform that every version of the app has, and that needs no pool.
func plain() bgtransform.Transform {
	return bgtransform.SQL[Track]{Name: "other", Pending: "title IS NULL", Set: "title = 'none'"}
}

// versionBefore starts an instance of the version of the app that does not know the move.
func versionBefore(t testing.TB, db *bun.DB, name string) *instance {
	t.Helper()
	return start(t, db, member(t, name, "1.4"), plain())
}

// untilPhase waits until reads are in a phase.
func (in *instance) untilPhase(name string, want dualread.Phase) bgtransform.PhaseStatus {
	in.t.Helper()
	return in.untilPhases(name, "in "+want.String(), func(st bgtransform.PhaseStatus) bool { return st.Held == want })
}

func (in *instance) untilPhases(name, what string, ok func(bgtransform.PhaseStatus) bool) bgtransform.PhaseStatus {
	in.t.Helper()
	var last bgtransform.PhaseStatus
	eventually(in.t, func() bool {
		for _, st := range in.Phases() {
			if last = st; st.Transform == name && ok(st) {
				return true
			}
		}
		return false
	}, func() {
		in.t.Fatalf("%s: the phase of %s never came to be %s; last: %+v", in.Instance(), name, what, last)
	})
	return last
}

// eventually waits until ok, and calls late when it never is.
func eventually(t testing.TB, ok func() bool, late func()) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			late()
			return
		}
	}
}

// fleetActions returns why a transform began anew, the newest first.
func fleetActions(t testing.TB, c *bgtransform.Control, name string) (whys []string) {
	t.Helper()
	acts, err := c.Actions(context.Background(), name, 100)
	must(t, err)
	for _, a := range acts {
		if a.Action == "fleet" {
			whys = append(whys, a.Why)
		}
	}
	return whys
}

// untilKnown waits until an instance is known to the pool, live or not.
func untilKnown(t testing.TB, c *bgtransform.Control, name string, live bool) {
	t.Helper()
	eventually(t, func() bool {
		all, err := c.Fleet(context.Background())
		if err != nil {
			return false
		}
		for _, m := range all {
			if m.Instance == name && m.Live == live {
				return true
			}
		}
		return false
	}, func() { t.Fatalf("%s never came to be live %t", name, live) })
}

// untilGone waits until an instance has been gone for some time.
func untilGone(t testing.TB, c *bgtransform.Control, name string, d time.Duration) {
	t.Helper()
	eventually(t, func() bool {
		all, err := c.Fleet(context.Background())
		return err == nil && slices.ContainsFunc(all, func(m bgtransform.PoolMember) bool {
			return m.Instance == name && !m.Live && time.Since(m.Gone) >= d
		})
	}, func() { t.Fatalf("%s has never been gone for %s", name, d) })
}

// stale counts rows whose new column is not what the old one says.
func stale(t testing.TB, db *bun.DB) int64 {
	t.Helper()
	return count(t, db, "SELECT count(*) FROM tracks WHERE "+differs(db, "length_ms", "length * 1000"))
}

// announced puts a member into the pool that no process stands behind.
func announced(t testing.TB, r fleet.Registry, m fleet.Member, ttl time.Duration) fleet.Member {
	t.Helper()
	m.Term = rand.Text()
	must(t, r.Announce(context.Background(), m, ttl))
	return m
}

func registry(t testing.TB, db *bun.DB) fleet.Registry {
	t.Helper()
	r, err := store.NewFleet(db)
	must(t, err)
	return r
}
