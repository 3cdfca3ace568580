package bgtransform_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtransform/sidecar/bgtransform"
)

// values are settings and what they are to be.
type values = map[bgtransform.Setting]string

// limits returns the sizes that the batches begun so far were given.
func (r *recorder) limits() []int {
	var out []int
	for _, end := range r.all() {
		out = append(out, end.Limit)
	}
	return out
}

// untilBatch waits for a batch with that limit, and fails if more than one with
// another limit ends after those seen before.
func untilBatch(in *instance, rec *recorder, seen, limit int) {
	in.t.Helper()
	in.until("x", "in batches of another size", func(bgtransform.Status) bool {
		all := rec.limits()
		return len(all) > seen && all[len(all)-1] == limit
	})
	late := 0
	for _, got := range rec.limits()[seen:] {
		if got != limit {
			late++
		}
	}
	if late > 1 { // the one that was under way
		in.t.Errorf("batches that ended after the change were given %v; want %d from the second on", rec.limits()[seen:], limit)
	}
}

// An operator changes a transform that runs in another process: its rate, its
// batches and its window, on every database.
func TestTuneTakesEffectWithinOneBatch(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t)
		seed(t, db, 1500)
		rec := &recorder{}
		cfg := quick(t)
		cfg.Observer = rec
		cfg.Limits.RowsPerSecond, cfg.Limits.MaxBatch, cfg.Limits.StartBatch = 200, 50, 50
		in := start(t, db, cfg, toMS("x"))
		in.until("x", "under way", func(st bgtransform.Status) bool { return st.Batches > 0 })
		other, err := bgtransform.NewControl(d.open(t))
		must(t, err)
		ctx := t.Context()

		must(t, other.Tune(ctx, "x", ann, values{bgtransform.SettingBatchMax: "20", bgtransform.SettingRowsPerSecond: "80"}))
		untilBatch(in, rec, len(rec.limits()), 20)
		in.until("x", "limited by the new rate", func(st bgtransform.Status) bool {
			return st.Reason.Text == "rows per second 80"
		})
		must(t, other.Tune(ctx, "x", ann, values{bgtransform.SettingWindow: " never "}))
		in.until("x", "waiting for its window", func(st bgtransform.Status) bool {
			return st.State == bgtransform.StateWaiting && st.Reason.Code == bgtransform.ReasonWindow
		})
		shut := len(rec.limits())
		must(t, other.Tune(ctx, "x", ann, values{
			bgtransform.SettingRowsPerSecond: "unlimited", bgtransform.SettingBatchMax: bgtransform.Default,
		}))
		want := []bgtransform.Tuned{
			{Setting: "ROWS_PER_SECOND", Value: "unlimited", By: "ann", Why: "because"},
			{Setting: "WINDOW", Value: "never", By: "ann", Why: "because"},
		}
		st, err := other.Status(ctx, "x")
		must(t, err)
		if diff := cmp.Diff(want, st[0].Tuned, cmpopts.IgnoreFields(bgtransform.Tuned{}, "Since")); diff != "" {
			t.Errorf("changed settings (-want +got):\n%s", diff)
		}
		if off := time.Since(st[0].Tuned[0].Since).Abs(); off > time.Minute {
			t.Errorf("changed %v ago", off)
		}
		must(t, other.Untune(ctx, "x", bgtransform.By{Who: "bob"}, bgtransform.SettingWindow))
		in.untilState("x", bgtransform.StateComplete)    // unlimited, and awake long before the next look at the window
		for i, want := range []int{20, 30, 45, 50, 50} { // it grows from where it was
			if got := rec.limits()[shut+i]; got != want {
				t.Errorf("batch %d after the window was given %d keys, want %d", i, got, want)
			}
		}
		wantLog(t, other,
			"untune by bob: WINDOW=default (was never)",
			"tune by ann: BATCH_MAX=default (was 20), ROWS_PER_SECOND=unlimited (was 80)",
			"tune by ann: WINDOW=never (was default)",
			"tune by ann: BATCH_MAX=20 (was default), ROWS_PER_SECOND=80 (was default)")
	})
}

// wantLog fails unless the log of actions has these, the newest first.
func wantLog(t *testing.T, c *bgtransform.Control, want ...string) {
	t.Helper()
	log, err := c.Actions(t.Context(), "x", 10)
	must(t, err)
	var got []string
	for _, a := range log {
		got = append(got, a.Action+" by "+a.By+": "+a.What)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// What an operator has set is heeded by the next process, before it does anything.
func TestTuneSurvivesRestart(t *testing.T) {
	t.Parallel()
	db := newDB(t, 200)
	cfg := quick(t)
	cfg.Window = closedNow()
	in := start(t, db, cfg, toMS("x"))
	in.untilReason("x", bgtransform.ReasonWindow)
	must(t, in.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "never"}))
	in.stop()

	rec := &recorder{}
	cfg = quick(t)
	cfg.Observer = rec
	in = start(t, db, cfg, toMS("x"))
	in.until("x", "kept from running by what was set", func(st bgtransform.Status) bool {
		return strings.Contains(st.Here.Text, "never opens") && len(st.Tuned) == 1
	})
	if n := len(rec.all()); n != 0 {
		t.Errorf("%d batches ran", n)
	}
	must(t, in.Control().Untune(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StateComplete)
}

// An operator's window wins over the code's, and wakes who waits for that.
func TestTuneOpensAWindow(t *testing.T) {
	t.Parallel()
	db := newDB(t, 200)
	cfg := quick(t)
	cfg.Window = closedNow()
	in := start(t, db, cfg, toMS("x"))
	in.untilReason("x", bgtransform.ReasonWindow)
	other, err := bgtransform.NewControl(db)
	must(t, err)
	must(t, other.Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "always"}))
	in.untilState("x", bgtransform.StateComplete)
}

func TestTuneRefuses(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	c, ctx := in.Control(), t.Context()
	must(t, c.Tune(ctx, "x", ann, values{bgtransform.SettingBatchMin: "50"}))
	for name, tt := range map[string]struct {
		values values
		want   []string
	}{
		"nothing":             {values{}, []string{"no setting is named", "BATCH_MAX, BATCH_MIN, BATCH_ROWS, BATCH_TARGET, DUTY, PHASE, ROWS_PER_SECOND, WINDOW"}},
		"a switch":            {values{"ENABLED": "false"}, []string{"ENABLED cannot be changed; what can is BATCH_MAX"}},
		"a share":             {values{bgtransform.SettingDuty: "150%"}, []string{`DUTY="150%": valid is a share of time above 0 and at most 1`}},
		"a window":            {values{bgtransform.SettingWindow: "22-6"}, []string{`WINDOW="22-6"`, "0 22 * * * for 8h in Europe/Berlin"}},
		"a long window":       {values{bgtransform.SettingWindow: strings.Repeat(" ", 1001)}, []string{"WINDOW has 1001 bytes"}},
		"no value":            {values{bgtransform.SettingDuty: ""}, []string{`DUTY="": valid is`}},
		"a floor too high":    {values{bgtransform.SettingBatchMax: "20"}, []string{"BATCH_MIN=50 is more than BATCH_MAX=20"}},
		"a floor above rows":  {values{bgtransform.SettingBatchRows: "20"}, []string{"BATCH_MIN=50 is more than BATCH_ROWS=20"}},
		"all that is wrong":   {values{bgtransform.SettingDuty: "0", bgtransform.SettingBatchTarget: "100"}, []string{`valid is a duration from 1ms to 1m`, `DUTY="0": valid`}},
		"right besides wrong": {values{bgtransform.SettingDuty: "1", bgtransform.SettingBatchTarget: "1h"}, []string{`BATCH_TARGET="1h"`}},
	} {
		err := c.Tune(ctx, "x", ann, tt.values)
		if !errors.Is(err, bgtransform.ErrSetting) {
			t.Errorf("%s: Tune = %v, want ErrSetting", name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Tune = %v, want it to contain %q", name, err, want)
			}
		}
	}
	for name, err := range map[string]error{
		"By.Who is empty":          c.Tune(ctx, "x", bgtransform.By{}, values{bgtransform.SettingDuty: "1"}),
		"no such transform":        c.Tune(ctx, "nobody", ann, values{bgtransform.SettingDuty: "1"}),
		"nobody has changed any":   c.Untune(ctx, "x", ann, bgtransform.SettingDuty),
		"untune transform \"x\": ": c.Untune(ctx, "x", ann, "ENABLED"),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
	wantLog(t, c, "tune by ann: BATCH_MIN=50 (was default)")
	st, err := c.Status(ctx, "x")
	must(t, err)
	if len(st[0].Tuned) != 1 {
		t.Errorf("changed settings are %+v, want one", st[0].Tuned)
	}
	must(t, c.Tune(ctx, "x", ann, values{bgtransform.SettingBatchMax: "20", bgtransform.SettingBatchMin: bgtransform.Default}))
}

// Whatever an operator of a newer version has set may be what is to hold the
// transform back: a version that cannot read it waits, and says why.
func TestI9SettingsOfANewerVersion(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{`{"SPEED":{"value":"low","by":"ann"}}`, `{"DUTY":{"value":"low","by":"ann"}}`, `[]`} {
		db := newDB(t, 2000)
		cfg := quick(t)
		cfg.Limits.RowsPerSecond, cfg.Limits.MaxBatch = 200, 20
		in := start(t, db, cfg, toMS("x"))
		in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
		exec(t, db, "UPDATE bgtransform_intents SET settings = ?, revision = revision + 1", settings)
		st := in.until("x", "waiting", func(st bgtransform.Status) bool {
			return st.State == bgtransform.StateWaiting && st.Why().Code == bgtransform.ReasonSettings
		})
		if !strings.Contains(st.Why().Text, "cannot read") {
			t.Errorf("it says %q", st.Why().Text)
		}
		in.stop()
		in = start(t, db, quick(t), toMS("x"))
		in.until("x", "waiting in the next process", func(st bgtransform.Status) bool {
			return st.Here.Code == bgtransform.ReasonSettings && !st.Mine
		})
		exec(t, db, "UPDATE bgtransform_intents SET settings = '', revision = revision + 1")
		in.untilState("x", bgtransform.StateComplete)
		in.stop()
	}
}

// A pause is by who asked for it, whoever changes settings meanwhile, and settings
// change while it lasts.
func TestTuneWhilePaused(t *testing.T) {
	t.Parallel()
	db := newDB(t, 500)
	rec := &recorder{}
	cfg := quick(t)
	cfg.Observer = rec
	cfg.Limits.RowsPerSecond = 100
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	c, ctx := in.Control(), t.Context()
	must(t, c.Pause(ctx, "x", ann))
	in.untilState("x", bgtransform.StatePaused)
	before := len(rec.limits())
	must(t, c.Tune(ctx, "x", bgtransform.By{Who: "bob", Why: "gently"}, values{
		bgtransform.SettingBatchMax: "30", bgtransform.SettingRowsPerSecond: "unlimited", bgtransform.SettingDuty: "100%",
	}))
	if st := in.untilState("x", bgtransform.StatePaused); st.Reason.Text != "paused by ann: because" {
		t.Errorf("the reason is %q", st.Reason.Text)
	}
	must(t, c.Resume(ctx, "x", ann))
	in.untilState("x", bgtransform.StateComplete)
	for _, limit := range rec.limits()[before:] {
		if limit != 30 {
			t.Errorf("a batch after the pause was given %d keys, want 30", limit)
		}
	}
}
