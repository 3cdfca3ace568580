package bgtransform_test

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// After a rollback in the middle of a run, an instance writes the old column of rows
// that were transformed already: the run holds, and finds them once it is gone.
func TestFleetReturnDuringARun(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 400)
		cfg := member(t, "web-1", "1.5")
		cfg.FleetRules.Settle = settle
		cfg.Limits.StartBatch, cfg.Limits.MaxBatch, cfg.Limits.RowsPerSecond = 10, 10, 100
		move, _ := moves(t)
		in := start(t, db, cfg, move)
		in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows >= 20 })
		old := versionBefore(t, db, "web-3")
		st := in.until("x", "held", func(st bgtransform.Status) bool { return st.State == bgtransform.StateWaiting })
		if st.Reason.Code != bgtransform.ReasonFleet || !strings.Contains(st.Reason.Text, "waits for 1 instance that writes only the old column: web-3 (version 1.4)") {
			t.Errorf("it waits for %+v", st.Reason)
		}
		exec(t, db, "UPDATE tracks SET length = 7777 WHERE id = 3") // as the old version does
		old.stop()
		must(t, in.Control().Tune(t.Context(), "x", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{bgtransform.SettingRowsPerSecond: "unlimited"}))
		in.untilState("x", bgtransform.StateComplete)
		if n := stale(t, db); n != 0 {
			t.Errorf("%d rows are not what the old column says", n)
		}
		whys := fleetActions(t, in.Control(), "x")
		if want := "all rows are walked once more: web-3 (version 1.4) wrote only the old column from "; len(whys) != 1 || !strings.HasPrefix(whys[0], want) {
			t.Errorf("the log of actions has %q, want one that begins %q", whys, want)
		}
	})
}

// A complete transform is so no longer once an instance of the version before comes
// back, however many instances see it; while it is there, reads are in old.
func TestFleetReturnAfterTheEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 60)
		var pool []*instance
		for _, name := range []string{"web-1", "web-2", "web-3"} {
			cfg := member(t, name, "1.5")
			cfg.FleetRules.Settle = settle
			move, column := moves(t)
			must(t, column.SetPhase(dualread.PhaseCompare))
			pool = append(pool, start(t, db, cfg, move))
		}
		in := pool[0]
		in.untilState("x", bgtransform.StateComplete)
		for _, one := range pool {
			one.untilPhase("x", dualread.PhaseCompare)
		}
		old := versionBefore(t, db, "web-9")
		st := in.until("x", "open again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateWaiting && st.Run == 2 })
		if st.Reason.Code != bgtransform.ReasonFleet || !st.Completed.IsZero() {
			t.Errorf("it waits for %+v, completed %s", st.Reason, st.Completed)
		}
		for _, one := range pool {
			if st := one.untilPhase("x", dualread.PhaseOld); st.Asked != dualread.PhaseCompare || !strings.Contains(st.Reason.Text, "web-9 (version 1.4) is in before") {
				t.Errorf("%s: the phase is %+v", one.Instance(), st)
			}
		}
		exec(t, db, "UPDATE tracks SET length = 7777 WHERE id = 3")
		old.stop()
		st = in.untilState("x", bgtransform.StateComplete)
		if n := stale(t, db); n != 0 || st.Run != 2 || st.Rows != 1 {
			t.Errorf("%d rows are not what the old column says; run %d changed %d rows, want run 2 and 1 row", n, st.Run, st.Rows)
		}
		for _, one := range pool {
			one.untilPhase("x", dualread.PhaseCompare)
		}
		whys := fleetActions(t, in.Control(), "x")
		if want := "complete no longer: web-9 (version 1.4) writes only the old column, from "; len(whys) != 1 || !strings.HasPrefix(whys[0], want) {
			t.Errorf("the log of actions has %q, want one that begins %q", whys, want)
		}
	})
}

// What it writes from then on is not in the new column, so who reads that looks for it all
// the time, however seldom it would look for anything else.
func TestFleetReturnIsSeenByReadersOfTheNewColumn(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	cfg := member(t, "web-1", "1.5")
	cfg.IdlePoll = time.Hour
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseCompare))
	in := start(t, db, cfg, move)
	in.untilState("x", bgtransform.StateComplete)
	in.untilPhase("x", dualread.PhaseCompare)
	eventually(t, func() bool { return in.Phases()[0].Reason.IsZero() }, func() { t.Error("the phase never came to rest") })
	announced(t, registry(t, db), fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
	in.untilPhase("x", dualread.PhaseOld)
}

// One that came and went between two looks is seen all the same.
func TestFleetReturnBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 60)
		cfg := member(t, "web-1", "1.5")
		cfg.FleetRules = fleet.Rules{Every: time.Hour, MinAge: 1, Settle: settle, TTL: 5 * time.Hour, Trust: time.Hour}
		move, _ := moves(t)
		in := start(t, db, cfg, move)
		in.untilState("x", bgtransform.StateComplete)
		r := registry(t, db)
		m := announced(t, r, fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
		exec(t, db, "UPDATE tracks SET length = 7777 WHERE id = 3")
		must(t, r.Leave(t.Context(), m))
		// Any look will do: here an operator asks for something.
		must(t, in.Control().Tune(t.Context(), "x", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{bgtransform.SettingPhase: "fallback"}))
		in.until("x", "opened again", func(st bgtransform.Status) bool { return st.Run == 2 })
		in.until("x", "settling", func(st bgtransform.Status) bool {
			return st.State == bgtransform.StateComplete || st.Reason.Code == bgtransform.ReasonFleet
		})
		in.untilState("x", bgtransform.StateComplete)
		if n := stale(t, db); n != 0 {
			t.Errorf("%d rows are not what the old column says", n)
		}
		whys := fleetActions(t, in.Control(), "x")
		if want := "complete no longer: web-3 (version 1.4) wrote only the old column from "; len(whys) != 1 || !strings.HasPrefix(whys[0], want) {
			t.Errorf("the log of actions has %q, want one that begins %q", whys, want)
		}
	})
}

// A transform whose condition does not show what the old version wrote is verified, and
// repaired, by itself.
func TestFleetReturnIsVerifiedWhereTheConditionDoesNotShowIt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 60)
		must(t, store.Create(t.Context(), db))
		s := toMSBySQL("x")
		s.Wrong, s.Options.DualWritten = "length_ms <> length * 1000", true
		in := start(t, db, member(t, "web-1", "1.5"), s)
		in.untilState("x", bgtransform.StateComplete)
		r := registry(t, db)
		m := announced(t, r, fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
		in.untilReason("x", bgtransform.ReasonFleet)
		exec(t, db, "UPDATE tracks SET length = 7777 WHERE id = 3")
		must(t, r.Leave(t.Context(), m))
		st := in.until("x", "verified", func(st bgtransform.Status) bool { return st.Verify != nil && st.Verify.State == bgtransform.VerifyDone })
		if st.Verify.By != "fleet" || !st.Verify.Repair || st.Verify.Repaired != 1 || stale(t, db) != 0 {
			t.Errorf("the verification is %+v, and %d rows are wrong", st.Verify, stale(t, db))
		}
	})
}
