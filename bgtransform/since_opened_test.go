package bgtransform_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// What an operator asks of a transform whose window never opens is told until an
// instance follows, and nothing beside it that is no longer so.
func TestI9WhatIsAskedOfATransformOutsideItsWindow(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond, cfg.Limits.MaxBatch, cfg.Limits.StartBatch = 200, 10, 10
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "foretold", func(st bgtransform.Status) bool { return st.Finish.State == bgtransform.ForecastReady })
	in.stop()
	// As an instance with another window leaves it, hours later.
	exec(t, db, "UPDATE bgtransform_ranges SET window_text = 'never', measured_ms = measured_ms - 3600000")
	exec(t, db, `INSERT INTO bgtransform_signs (name, instance, reason_code, reason, reason_until_ms, seen_ms)
		VALUES ('x', 'web', 'window', 'outside its window, which never opens', 0, CAST(unixepoch('subsec') * 1000 AS INTEGER))`)
	control, err := bgtransform.NewControl(db)
	must(t, err)
	read := func() bgtransform.Status {
		t.Helper()
		all, err := control.Status(t.Context(), "x")
		must(t, err)
		return all[0]
	}
	if st := read(); st.Why().Code != bgtransform.ReasonWindow || st.Progress <= 0 {
		t.Fatalf("at first: %+v", st)
	}

	tuned := read().Updated
	must(t, control.Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "always"}))
	if st := read(); !st.Tuned[0].Since.After(tuned) || st.Why().Code != bgtransform.ReasonAsked || !contains(st.Why().Text, "opened by ann") || !st.Finish.At.IsZero() {
		t.Errorf("once its window is open: %s; finish %q at %s", st.Why(), st.Finish, st.Finish.At.Format(time.TimeOnly))
	}
	must(t, control.Untune(t.Context(), "x", ann, bgtransform.SettingWindow))

	must(t, control.Restart(t.Context(), "x", ann))
	if st := read(); !contains(st.Why().Text, "to be restarted", "by ann", "never opens") || st.Progress != 0 || st.Remaining != -1 || !st.Finish.At.IsZero() {
		t.Errorf("once it is to be restarted: %s; %v done, %d left, finish %q", st.Why(), st.Progress, st.Remaining, st.Finish)
	}
	must(t, control.Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "always"}))
	if st := read(); st.Why().Code != bgtransform.ReasonAsked || !contains(st.Why().Text, "to be restarted", "by ann") || contains(st.Why().Text, "never opens") {
		t.Errorf("once its window is open too: %s", st.Why())
	}
	in = start(t, db, quick(t), toMS("x"))
	in.until("x", "begun anew", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
}
