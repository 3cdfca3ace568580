package bgtransform_test

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// A transform of a move does not begin beside an instance of the version before, which
// runs since long ago and finds out by itself that there is a pool now.
func TestFleetStartWaitsForTheVersionBefore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 50)
		old := versionBefore(t, db, "web-3")
		old.untilState("other", bgtransform.StateComplete)
		cfg := member(t, "web-1", "1.5")
		cfg.FleetRules.MinAge = 1500 * time.Millisecond // within which web-3 polls
		move, _ := moves(t)
		in := start(t, db, cfg, plain(), move)
		st := in.until("x", "waiting for web-3, itself announced", func(st bgtransform.Status) bool {
			return strings.Contains(st.Here.Text, "web-3") && len(st.Pool) > 1
		})
		want := "waits for 1 instance that writes only the old column: web-3 (version 1.4), last seen"
		if st.Here.Code != bgtransform.ReasonFleet || !strings.HasPrefix(st.Here.Text, want) {
			t.Errorf("it waits for %+v, want %q", st.Here, want)
		}
		if len(st.Pool) != 2 || st.Pool[0].Stage != fleet.Old || st.Pool[1].Stage != fleet.Before || st.Pool[1].Version != "1.4" {
			t.Errorf("the pool is %+v, want web-1 in old and web-3 in before", st.Pool)
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
			t.Errorf("%d rows were transformed beside it", n)
		}
		outside, err := bgtransform.NewControl(db)
		must(t, err)
		eventually(t, func() bool {
			all, err := outside.Status(t.Context(), "x")
			return err == nil && all[0].Here.Code == bgtransform.ReasonFleet && len(all[0].Pool) == 2
		}, func() { t.Error("nobody can see from outside why it waits") })
		old.stop()
		in.untilState("x", bgtransform.StateComplete)
		if n := stale(t, db); n != 0 {
			t.Errorf("%d rows are not transformed", n)
		}
	})
}

// An instance that was killed counts until its announcement expires, and then for the
// time to settle.
func TestFleetStartWaitsForAnnouncementsToExpire(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 50)
		must(t, store.Create(t.Context(), db))
		announced(t, registry(t, db), fleet.Member{Instance: "web-3", Version: "1.3"}, settle)
		began := time.Now()
		cfg := member(t, "web-1", "1.5")
		cfg.FleetRules.Settle = settle
		move, _ := moves(t)
		in := start(t, db, cfg, move)
		if st := in.untilReason("x", bgtransform.ReasonFleet); st.State != bgtransform.StatePending {
			t.Errorf("it is %s, want pending", st.State)
		}
		st := in.until("x", "settling", func(st bgtransform.Status) bool {
			return strings.Contains(st.Here.Text, "wrote only the old column until")
		})
		if st.Here.Until.IsZero() {
			t.Errorf("nobody says until when: %+v", st.Here)
		}
		in.untilState("x", bgtransform.StateComplete)
		if passed := time.Since(began); passed < 2*settle-10*time.Millisecond {
			t.Errorf("complete after %s, want its announcement (%s) and the time to settle (%s) to pass", passed, settle, settle)
		}
	})
}
