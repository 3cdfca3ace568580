package bgtransform_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// proven starts an instance whose reads are in phase new, of a transform that is complete
// and verified.
func proven(t *testing.T, db *bun.DB) *instance {
	t.Helper()
	seed(t, db, 60)
	move, column := moves(t)
	move.Wrong = "length_ms <> length * 1000"
	must(t, column.SetPhase(dualread.PhaseNew))
	in := start(t, db, member(t, "web-1", "1.5"), move)
	in.untilState("x", bgtransform.StateComplete)
	in.untilPhase("x", dualread.PhaseNew)
	must(t, in.Control().Verify(t.Context(), "x", bgtransform.VerifyOptions{}, bgtransform.By{Who: "ann"}))
	in.until("x", "verified", func(st bgtransform.Status) bool { return !st.Verified.IsZero() })
	return in
}

// contracted starts an instance of a version without the old column, which says so by name.
func contracted(t *testing.T, db *bun.DB, instance, version, name string) *instance {
	t.Helper()
	cfg := member(t, instance, version)
	cfg.Contracted = []string{name}
	return start(t, db, cfg, plain())
}

// controlStatus is the status as a command of its own process sees it.
func controlStatus(t *testing.T, db *bun.DB) bgtransform.Status {
	t.Helper()
	c, err := bgtransform.NewControl(db)
	must(t, err)
	all, err := c.Status(t.Context(), "x")
	must(t, err)
	return all[0]
}

// untilControl waits for a status as a command of its own process sees it.
func untilControl(t *testing.T, db *bun.DB, what string, ok func(bgtransform.Status) bool) {
	t.Helper()
	var last bgtransform.Status
	eventually(t, func() bool { last = controlStatus(t, db); return ok(last) }, func() { t.Fatalf("never %s; last: %+v", what, last) })
}

// mayContract asks the gate, of which only what is said of the transform counts here.
func mayContract(t *testing.T, db *bun.DB) error {
	t.Helper()
	return gate.Require(t.Context(), db, "x", gate.WithoutColumn())
}

// asBefore checks that the transform is what it was before the dispute, and that nobody
// has overwritten anything.
func asBefore(t *testing.T, db *bun.DB, before bgtransform.Status) {
	t.Helper()
	st := controlStatus(t, db)
	if st.State != bgtransform.StateComplete || st.Run != before.Run || !st.Completed.Equal(before.Completed) || !st.Verified.Equal(before.Verified) || st.Contracted.IsZero() {
		t.Errorf("the transform is\n%+v, and was\n%+v", st, before)
	}
	if n := lengthOf3(t, db); n != 99 {
		t.Errorf("the new value was overwritten with %d", n)
	}
	if err := mayContract(t, db); err != nil {
		t.Errorf("the gate is shut: %v", err)
	}
}

// The whole of it: the next version comes with a misspelt Contracted, is deployed again
// with the right one, and the version before it leaves. Nobody needs to do anything.
func TestFleetMisspeltContractedIsSettledByTheRightOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := proven(t, db)
		before := controlStatus(t, db)
		wrong := contracted(t, db, "web-6", "1.6", "xx")
		st := in.untilState("x", bgtransform.StateFailed)
		if !st.Disputed() || !strings.Contains(st.Reason.Text, `web-6 (version 1.6) does not know the move, and was there when reads had come to phase new (its Config.Contracted names "xx": perhaps misspelt): `) {
			t.Errorf("it failed for %+v", st.Reason)
		}
		exec(t, db, "UPDATE tracks SET length_ms = 99 WHERE id = 3")
		if err := mayContract(t, db); err == nil || !strings.Contains(err.Error(), "transforms accept x") {
			t.Errorf("the gate says %v", err)
		}
		wrong.stop()
		right := contracted(t, db, "web-6", "1.6", "x")
		in.until("x", "complete again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
		in.untilPhase("x", dualread.PhaseNew)
		in.stop()
		asBefore(t, db, before)
		right.stop()
	})
}

// The version before it has left when the right one comes: then that settles it alone. What
// an operator had asked for meanwhile, and nobody has begun, is void.
func TestFleetDisputeIsSettledWithNobodyElseThere(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := proven(t, db)
		before := controlStatus(t, db)
		wrong := contracted(t, db, "web-6", "1.6", "xx")
		in.untilState("x", bgtransform.StateFailed)
		exec(t, db, "UPDATE tracks SET length_ms = 99 WHERE id = 3")
		in.stop()
		must(t, in.Control().Restart(t.Context(), "x", bgtransform.By{Who: "ann"}))
		contracted(t, db, "web-7", "1.6", "x") // beside the wrong one
		untilControl(t, db, "complete again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
		wrong.stop()
		asBefore(t, db, before)
	})
}

// It was an old version after all, and what it wrote stands in the old column only. That a
// version without the old column comes later settles nothing: the gate stays shut until a
// human has looked after it.
func TestI3ContractedAfterAnOldVersionSettlesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := proven(t, db)
		before := controlStatus(t, db)
		old := start(t, db, member(t, "web-9", "1.4"), plain())
		in.untilState("x", bgtransform.StateFailed)
		exec(t, db, "UPDATE tracks SET length = 7777 WHERE id = 4")
		old.stop()
		contracted(t, db, "web-6", "1.6", "x")
		untilControl(t, db, "contracted", func(st bgtransform.Status) bool { return !st.Contracted.IsZero() })
		in.untilPhase("x", dualread.PhaseNew)
		st := controlStatus(t, db)
		if !st.Disputed() || !strings.Contains(st.Reason.Text, "copy it by hand before you accept") {
			t.Errorf("the transform is %s: %s", st.State, st.Reason)
		}
		err := mayContract(t, db)
		if err == nil || !strings.Contains(err.Error(), "transforms accept x") || strings.Contains(err.Error(), "restart") {
			t.Errorf("the gate says %v", err)
		}
		if got := in.until("x", "in dispute", bgtransform.Status.Disputed); got.Allows("restart") || got.Allows("revert") || !got.Allows("accept") {
			t.Error("after a version without the old column nothing is to be restarted")
		}
		for _, act := range []func(bgtransform.By) error{
			func(by bgtransform.By) error { return in.Control().Restart(t.Context(), "x", by) },
			func(by bgtransform.By) error { return in.Control().Retry(t.Context(), "x", by) },
		} {
			if err := act(bgtransform.By{Who: "ann"}); !errors.Is(err, bgtransform.ErrNotAllowed) || !strings.Contains(err.Error(), "never runs again") {
				t.Errorf("the answer is %v", err)
			}
		}
		exec(t, db, "UPDATE tracks SET length_ms = 7777000 WHERE id = 4") // by hand, as it was told
		exec(t, db, "UPDATE tracks SET length_ms = 99 WHERE id = 3")
		must(t, in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann", Why: "copied"}))
		asBefore(t, db, before)
	})
}

// An old version that nobody of the version before has noticed in time is noticed by the
// one without the old column, or the gate would open on what it wrote.
func TestI3OldVersionThatOnlyTheContractedOneSees(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := proven(t, db)
		in.stop()
		r := registry(t, db)
		announced(t, r, fleet.Member{Instance: "web-1", Version: "1.5", Stages: map[string]fleet.Stage{"x": fleet.New}}, time.Minute)
		m := announced(t, r, fleet.Member{Instance: "web-9", Version: "1.4"}, time.Minute)
		must(t, r.Leave(t.Context(), m))
		contracted(t, db, "web-6", "1.6", "x")
		untilControl(t, db, "in dispute", bgtransform.Status.Disputed)
		if err := mayContract(t, db); err == nil {
			t.Error("the gate opens")
		}
		must(t, in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann"}))
		polls := 0
		eventually(t, func() bool { polls++; return polls > 30 }, func() {})
		if err := mayContract(t, db); err != nil {
			t.Errorf("the gate is shut again: %v", err)
		}
	})
}

// A human says before any right one has come that it was one without the old column: that
// is as good as its announcement.
func TestFleetDisputeIsSettledByAccept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := proven(t, db)
		before := controlStatus(t, db)
		wrong := start(t, db, member(t, "web-6", "1.6"), plain())
		st := in.untilState("x", bgtransform.StateFailed)
		if !st.Allows("accept") || !st.Allows("restart") || st.Allows("retry") {
			t.Error("a dispute is to be accepted or restarted, and not retried")
		}
		if err := in.Control().Retry(t.Context(), "x", bgtransform.By{Who: "ann"}); !errors.Is(err, bgtransform.ErrNotAllowed) {
			t.Errorf("a retry is answered with %v", err)
		}
		exec(t, db, "UPDATE tracks SET length_ms = 99 WHERE id = 3")
		wrong.stop()
		must(t, in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann"}))
		in.untilPhase("x", dualread.PhaseNew)
		asBefore(t, db, before)
		if err := in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann"}); !errors.Is(err, bgtransform.ErrNotAllowed) {
			t.Errorf("another one is answered with %v", err)
		}
	})
}

// A new run that was asked for before the version without the old column came can never
// begin: the status says so, and it can be taken back.
func TestFleetRestartThatCannotBeginIsTakenBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := proven(t, db)
		before := controlStatus(t, db)
		in.stop()
		must(t, in.Control().Restart(t.Context(), "x", bgtransform.By{Who: "ann"}))
		contracted(t, db, "web-6", "1.6", "x")
		untilControl(t, db, "contracted", bgtransform.Status.Outdated)
		if st := controlStatus(t, db); !strings.Contains(st.Why().Text, "never runs again") {
			t.Errorf("it waits for %+v", st.Why())
		}
		if err := mayContract(t, db); err == nil || !strings.Contains(err.Error(), "transforms accept x") || strings.Contains(err.Error(), "restart") {
			t.Errorf("the gate says %v", err)
		}
		exec(t, db, "UPDATE tracks SET length_ms = 99 WHERE id = 3")
		must(t, in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann"}))
		asBefore(t, db, before)
	})
}

// A verification that was asked for outlasts the dispute.
func TestFleetDisputeLeavesAVerificationWhereItWas(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "test.db"))
	in := proven(t, db)
	by := bgtransform.By{Who: "ann"}
	must(t, in.Control().Tune(t.Context(), "x", by, map[bgtransform.Setting]string{bgtransform.SettingWindow: "never"}))
	must(t, in.Control().Verify(t.Context(), "x", bgtransform.VerifyOptions{}, by))
	wrong := start(t, db, member(t, "web-6", "1.6"), plain())
	in.untilState("x", bgtransform.StateFailed)
	wrong.stop()
	must(t, in.Control().Accept(t.Context(), "x", by))
	st := in.until("x", "complete again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if st.Verify == nil || st.Verify.State == bgtransform.VerifyFailed || st.Verify.State == bgtransform.VerifyStopped {
		t.Errorf("the verification is %+v", st.Verify)
	}
	must(t, in.Control().Untune(t.Context(), "x", by))
	in.until("x", "verified", func(st bgtransform.Status) bool { return !st.Verified.IsZero() })
}

// A restart that nobody began before the contract says nothing any more: the dispute is as
// open as it was, and the status says so.
func TestI3RestartThatNobodyBeganLeavesTheDispute(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "test.db"))
	in := proven(t, db)
	old := start(t, db, member(t, "web-9", "1.4"), plain())
	in.untilState("x", bgtransform.StateFailed)
	in.stop()
	old.stop()
	must(t, in.Control().Restart(t.Context(), "x", bgtransform.By{Who: "ann"}))
	contracted(t, db, "web-6", "1.6", "x")
	untilControl(t, db, "contracted", func(st bgtransform.Status) bool { return !st.Contracted.IsZero() })
	if st := controlStatus(t, db); !st.Disputed() || !strings.Contains(st.Why().Text, "copy it by hand before you accept") {
		t.Errorf("it is %s: %s", st.State, st.Why())
	}
	must(t, in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann"}))
	if err := mayContract(t, db); err != nil {
		t.Errorf("the gate is shut: %v", err)
	}
}

// Whatever kind it is of, what was declared contracted does not run again.
func TestFleetContractedOfAKindWithoutThePool(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5)
	by := bgtransform.By{Who: "ann"}
	in := start(t, db, member(t, "web-1", "1.5"), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	must(t, in.Control().Tune(t.Context(), "x", by, map[bgtransform.Setting]string{bgtransform.SettingWindow: "never"}))
	must(t, in.Control().Restart(t.Context(), "x", by))
	exec(t, db, "UPDATE tracks SET length_ms = NULL WHERE id = 3")
	contracted(t, db, "web-6", "1.6", "x")
	untilControl(t, db, "contracted", func(st bgtransform.Status) bool { return !st.Contracted.IsZero() })
	must(t, in.Control().Untune(t.Context(), "x", by))
	in.until("x", "held", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonFleet })
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE id = 3 AND length_ms IS NULL"); n != 1 {
		t.Error("it has run again")
	}
}
