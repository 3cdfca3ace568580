package bgtransform_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// A version that has no old column any more, beside one that reads it: both say so, the
// reader goes where it is right, and the transform never runs again, for the old column
// is out of date.
func TestFleetContractedTooEarly(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 20)
		move, column := moves(t)
		must(t, column.SetPhase(dualread.PhaseOld))
		cfg := member(t, "web-1", "1.5")
		in := start(t, db, cfg, move)
		in.untilState("x", bgtransform.StateComplete)
		must(t, in.Control().Tune(t.Context(), "x", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{bgtransform.SettingWindow: "never"}))
		must(t, in.Control().Restart(t.Context(), "x", bgtransform.By{Who: "ann"}))

		log := new(lines)
		cfg = member(t, "web-5", "1.6")
		cfg.Contracted, cfg.Logger = []string{"x"}, slog.New(slog.NewTextHandler(log, nil))
		after := start(t, db, cfg, plain())
		st := in.untilPhase("x", dualread.PhaseNew)
		if !st.Conflict || !strings.Contains(st.Reason.Text, "old is asked for, and new held: web-5 (version 1.6) is in after") {
			t.Errorf("the phase is %+v", st)
		}
		eventually(t, func() bool { return strings.Contains(log.String(), "web-1 (version 1.5) is in") }, func() {
			t.Errorf("web-5 does not say that it is too early:\n%s", log)
		})
		exec(t, db, "UPDATE tracks SET length_ms = 99, title = NULL WHERE id = 3") // as the new version does
		if err := in.Control().Restart(t.Context(), "x", bgtransform.By{Who: "bob"}); !errors.Is(err, bgtransform.ErrNotAllowed) || !strings.Contains(err.Error(), "the transform never runs again") {
			t.Errorf("another restart is answered with %v", err)
		}
		must(t, in.Control().Untune(t.Context(), "x", bgtransform.By{Who: "ann"}))
		in.until("x", "held by the pool", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonFleet })
		after.stop()
		untilKnown(t, in.Control(), "web-5", false)
		in.stop()

		move, _ = moves(t)
		in = start(t, db, member(t, "web-2", "1.5"), move)
		last := in.until("x", "held by the pool", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonFleet })
		if !strings.Contains(last.Here.Text, "the transform never runs again; give one that is to transform what is left another name, and leave Backward out of it") {
			t.Errorf("it waits for %+v", last.Here)
		}
		if n := count(t, db, "SELECT length_ms FROM tracks WHERE id = 3"); n != 99 {
			t.Errorf("the new value was overwritten with %d", n)
		}
	})
}

// In its turn, nobody has anything to complain about.
func TestFleetContractedInOrder(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	log := new(lines)
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseNew))
	cfg := member(t, "web-1", "1.5")
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	in := start(t, db, cfg, move)
	in.untilState("x", bgtransform.StateComplete)
	in.untilPhase("x", dualread.PhaseNew)
	cfg = member(t, "web-5", "1.6")
	cfg.Contracted, cfg.Logger = []string{"x"}, slog.New(slog.NewTextHandler(log, nil))
	start(t, db, cfg, plain())
	in.until("x", "beside it", func(st bgtransform.Status) bool { return len(st.Pool) == 2 })
	move, column = moves(t)
	must(t, column.SetPhase(dualread.PhaseNew))
	cfg.Instance, cfg.Contracted = "web-6", nil // one more of the version before it
	late := start(t, db, cfg, move)
	late.untilPhase("x", dualread.PhaseNew)
	polls := 0
	late.until("x", "there for a while", func(bgtransform.Status) bool { polls++; return polls > 30 })
	if got := log.String(); strings.Contains(got, "may not live side by side") {
		t.Errorf("the log complains:\n%s", got)
	}
}

// A name that nobody has is fine on a database where the move never ran; one that is
// nearly somebody's is a mistake.
func TestFleetContractedMisspelt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 5)
		in := start(t, db, member(t, "web-1", "1.5"), toMS("album-year"))
		in.untilState("album-year", bgtransform.StateComplete)
		in.stop()
		log := new(lines)
		cfg := member(t, "web-5", "1.6")
		cfg.Contracted, cfg.Logger = []string{"album-yaer", "track-length", "x2"}, slog.New(slog.NewTextHandler(log, nil))
		next := start(t, db, cfg, toMS("x"))
		next.untilState("x", bgtransform.StateComplete)
		got := log.String()
		if n := strings.Count(got, "names no transform of this database"); n != 1 || !strings.Contains(got, "contracted=album-yaer did_you_mean=album-year\n") {
			t.Errorf("%d complaints:\n%s", n, got)
		}
	})
}

func TestFleetContractedIsNotRegistered(t *testing.T) {
	t.Parallel()
	cfg := quick(t)
	cfg.Contracted = []string{"x"}
	s, err := bgtransform.New(newDB(t, 1), cfg)
	must(t, err)
	move, _ := moves(t)
	if err := s.Register(move); err == nil || !strings.Contains(err.Error(), "Config.Contracted names it as well") {
		t.Errorf("Register = %v", err)
	}
}
