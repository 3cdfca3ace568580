package bgtransform_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// Where no transform of the pool needs it, nobody announces itself.
func TestFleetCostsNothingWithoutAMove(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	polls := 0
	in.until("x", "idle for a while", func(bgtransform.Status) bool { polls++; return polls > 30 })
	if n := count(t, db, "SELECT count(*) FROM bgtransform_members"); n != 0 {
		t.Errorf("%d members have announced themselves", n)
	}
}

// A version without any transform was there first, and is the one before a move.
func TestFleetHearsOfTheFirstMove(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	old := start(t, db, member(t, "web-3", "1.4"))
	cfg := member(t, "web-1", "1.5")
	cfg.FleetRules.MinAge = 1500 * time.Millisecond // within which web-3 polls
	move, _ := moves(t)
	in := start(t, db, cfg, move)
	st := in.until("x", "beside the version before", func(st bgtransform.Status) bool { return len(st.Pool) == 2 })
	if st.Pool[1].Instance != "web-3" || st.Pool[1].Stage != fleet.Before || st.Rows != 0 {
		t.Errorf("the pool is %+v, and %d rows were written", st.Pool, st.Rows)
	}
	old.stop()
	in.untilState("x", bgtransform.StateComplete)
}
