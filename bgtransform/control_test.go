package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

var ann = bgtransform.By{Who: "ann", Why: "because"}

// An operator steers from another process, which has no scheduler.
func TestControlFromElsewhere(t *testing.T) {
	t.Parallel()
	db := newDB(t, 2000)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond = 500
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	control, err := bgtransform.NewControl(db)
	must(t, err)
	ctx := t.Context()

	must(t, control.Pause(ctx, "x", ann))
	st := in.untilState("x", bgtransform.StatePaused)
	rows := st.Rows
	if again := in.untilState("x", bgtransform.StatePaused); again.Rows != rows || again.Reason.Text != "paused by ann: because" {
		t.Errorf("paused, it went from %d rows to %+v", rows, again)
	}
	must(t, control.Resume(ctx, "x", ann))
	in.untilState("x", bgtransform.StateRunning)
	must(t, control.Cancel(ctx, "x", ann))
	in.untilState("x", bgtransform.StateCancelled)
	must(t, control.Restart(ctx, "x", ann))
	st = in.untilState("x", bgtransform.StateComplete)
	if st.Run != 2 || st.Rows >= 2000 || st.Rows == 0 {
		t.Errorf("after a restart: %+v; want a second run that changed only what the first had left", st)
	}
	must(t, control.Restart(ctx, "x", ann))
	st = in.until("x", "complete again", func(st bgtransform.Status) bool {
		return st.Run == 3 && st.State == bgtransform.StateComplete
	})
	if st.Rows != 0 {
		t.Errorf("a restart of what is complete changed %d rows", st.Rows)
	}
	log, err := control.Actions(ctx, "x", 10)
	must(t, err)
	var names []string
	for _, a := range log {
		if a.By != "ann" || a.Why != "because" || time.Since(a.At) > time.Minute {
			t.Errorf("action is %+v", a)
		}
		names = append(names, a.Action)
	}
	if got := strings.Join(names, " "); got != "restart restart cancel resume pause" {
		t.Errorf("actions are %q", got)
	}
}

// An action that the state does not allow is refused, says why, and leaves no trace.
func TestControlRefuses(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	c, ctx := in.Control(), t.Context()
	for name, act := range map[string]func(context.Context, string, bgtransform.By) error{
		"pause": c.Pause, "resume": c.Resume, "cancel": c.Cancel, "retry": c.Retry, "accept": c.Accept,
	} {
		err := act(ctx, "x", ann)
		if !errors.Is(err, bgtransform.ErrNotAllowed) || !strings.Contains(err.Error(), "it is complete") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if err := act(ctx, "nobody", ann); !errors.Is(err, bgtransform.ErrUnknownTransform) || !strings.Contains(err.Error(), `"nobody"`) {
			t.Errorf("%s of an unknown transform: %v", name, err)
		}
	}
	if _, err := c.Status(ctx, "nobody"); !errors.Is(err, bgtransform.ErrUnknownTransform) {
		t.Errorf("status of an unknown transform: %v", err)
	}
	log, err := c.Actions(ctx, "x", 10)
	must(t, err)
	if len(log) != 0 {
		t.Errorf("refused actions are in the log: %+v", log)
	}
}

// Pause survives a restart of the app; so does a cancel.
func TestControlSurvivesRestart(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond = 200
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	must(t, in.Control().Pause(t.Context(), "x", ann))
	rows := in.untilState("x", bgtransform.StatePaused).Rows
	in.stop()
	in = start(t, db, quick(t), toMS("x"))
	st := in.until("x", "paused here", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonPaused })
	if st.State != bgtransform.StatePaused || st.Rows != rows {
		t.Errorf("got %+v", st)
	}
	must(t, in.Control().Resume(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StateComplete)
}

// What an operator wants is recorded outside the window too.
func TestControlOutsideWindow(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	cfg := quick(t)
	cfg.Window = closedNow()
	in := start(t, db, cfg, toMS("x"))
	in.untilReason("x", bgtransform.ReasonWindow)
	must(t, in.Control().Pause(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StatePaused)
	must(t, in.Control().Resume(t.Context(), "x", ann))
	in.until("x", "resumed", func(st bgtransform.Status) bool {
		return st.State == bgtransform.StateWaiting && st.Here.Code == bgtransform.ReasonWindow
	})
}

// A failed transform goes on after a retry.
func TestControlRetryAfterFailure(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	bad := true
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if bad {
			return errors.New("the service is down")
		}
		return each(ctx, m)
	}
	in := start(t, db, quick(t), r)
	st := in.untilState("x", bgtransform.StateFailed)
	if st.Reason.Code != bgtransform.ReasonTooManyBad {
		t.Errorf("got %+v", st)
	}
	bad = false
	must(t, in.Control().Retry(t.Context(), "x", ann))
	in.until("x", "complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 0 {
		t.Errorf("%d rows are pending", n)
	}
}

// A dry run does everything but the commit.
func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	db := newDB(t, 2000)
	exec(t, db, "UPDATE tracks SET length = -1 WHERE id = 9")
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.Length < 0 {
			return errors.New("negative")
		}
		return each(ctx, m)
	}
	cfg := quick(t)
	cfg.Environ = []string{"BGTRANSFORM_DRY_RUN__X=1"}
	in := start(t, db, cfg, r)
	st := in.untilReason("x", bgtransform.ReasonDryRun)
	if !strings.Contains(st.Reason.Text, "8 batches from all over the table by id, 800 keys, would have changed 799 rows and put 1 into quarantine; everything was rolled back; about 2000 of 2000 rows are pending; ") {
		t.Errorf("reason is %q", st.Reason)
	}
	if st.Rows != 0 || st.Batches != 0 || st.Quarantined != 0 {
		t.Errorf("got %+v", st)
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
		t.Errorf("%d rows were written", n)
	}
	in.stop()
	start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete)
}

// One transform waits for another, and runs once that is complete.
func TestAfterAnother(t *testing.T) {
	t.Parallel()
	db := newDB(t, 500)
	exec(t, db, "ALTER TABLE tracks ADD COLUMN minutes INTEGER")
	second := bgtransform.SQL[Track]{
		Name: "second", Pending: "minutes IS NULL", Set: "minutes = length_ms / 60000",
		Options: bgtransform.Options{After: []string{"first"}},
	}
	in := start(t, db, quick(t), second, toMS("first"))
	in.untilState("second", bgtransform.StateComplete)
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE minutes IS NOT length_ms / 60000"); n != 0 {
		t.Errorf("%d rows are wrong", n)
	}
}

// A restart that nobody has followed yet is no complete transform: who waits for
// its end must not be told that it has come.
func TestI9RestartIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	in.stop()
	c, err := bgtransform.NewControl(db)
	must(t, err)
	must(t, c.Restart(t.Context(), "x", ann))
	all, err := c.Status(t.Context(), "x")
	must(t, err)
	if all[0].State != bgtransform.StateWaiting || all[0].Reason.Code != bgtransform.ReasonAsked {
		t.Errorf("the status is %s, %q; want waiting for the restart", all[0].State, all[0].Reason)
	}
}
