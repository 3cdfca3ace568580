package bgtransform_test

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// forgotten lets a version without the old column come, that does not say so, to an
// instance in phase new; write a value to the new column, and leave.
func forgotten(t *testing.T, db *bun.DB) *instance {
	t.Helper()
	seed(t, db, 60)
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseNew))
	in := start(t, db, member(t, "web-1", "1.5"), move)
	in.untilState("x", bgtransform.StateComplete)
	in.untilPhase("x", dualread.PhaseNew)
	old := start(t, db, member(t, "web-9", "1.6"), plain())
	st := in.untilState("x", bgtransform.StateFailed)
	if want := "web-9 (version 1.6) does not know the move, and was there when reads had come to phase new: "; st.Reason.Code != bgtransform.ReasonFleet || !strings.HasPrefix(st.Reason.Text, want) {
		t.Errorf("it failed for %+v, want %q", st.Reason, want)
	}
	exec(t, db, "UPDATE tracks SET length_ms = 99 WHERE id = 3")
	old.stop()
	untilKnown(t, in.Control(), "web-9", false)
	return in
}

func lengthOf3(t *testing.T, db *bun.DB) int64 {
	t.Helper()
	return count(t, db, "SELECT length_ms FROM tracks WHERE id = 3")
}

// A version without the old column whose Config.Contracted was forgotten looks like a very
// old one: nothing that it wrote is overwritten before a human has said which it is.
func TestI3ForgottenContracted(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := forgotten(t, db)
		polls := 0
		in.until("x", "left alone", func(bgtransform.Status) bool { polls++; return polls > 30 })
		if n := lengthOf3(t, db); n != 99 {
			t.Fatalf("the new value was overwritten with %d", n)
		}
		cfg := member(t, "web-10", "1.6") // now as it should be
		cfg.Contracted = []string{"x"}
		start(t, db, cfg, plain())
		in.untilPhase("x", dualread.PhaseNew)
		if n := lengthOf3(t, db); n != 99 {
			t.Errorf("the new value was overwritten with %d", n)
		}
	})
}

// It was an old version after all: a restart transforms what it wrote.
func TestFleetDisputeIsSettledByARestart(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		in := forgotten(t, db)
		in.untilPhase("x", dualread.PhaseOld)
		untilGone(t, in.Control(), "web-9", settle) // or, on a busy machine, it may have been there after the restart
		must(t, in.Control().Restart(t.Context(), "x", bgtransform.By{Who: "ann"}))
		in.untilState("x", bgtransform.StateComplete)
		in.untilPhase("x", dualread.PhaseNew)
		if n := stale(t, db); n != 0 {
			t.Errorf("%d rows are not what the old column says", n)
		}
	})
}
