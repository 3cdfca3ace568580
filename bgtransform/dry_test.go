package bgtransform_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// dryLogged makes a configuration one of a dry run, and returns its log.
func dryLogged(cfg *bgtransform.Config, flags ...string) *lines {
	var log lines
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	cfg.Environ = append([]string{"BGTRANSFORM_DRY_RUN=true"}, flags...)
	return &log
}

// A dry run is a plan: what it has found is in the status, for every process, and in
// the log as a whole, values only when they are asked for.
func TestDryRunIsAPlan(t *testing.T) {
	t.Parallel()
	for flag, shown := range map[string]bool{"BGTRANSFORM_DRY_RUN_EXAMPLES=0": false, "BGTRANSFORM_DRY_RUN_EXAMPLES__X=1": true} {
		db := newDB(t, 2000)
		exec(t, db, "CREATE TABLE looked (id INTEGER PRIMARY KEY, track_id INTEGER)")
		exec(t, db, "INSERT INTO looked SELECT id, id FROM tracks")
		exec(t, db, "UPDATE tracks SET length = 987654")
		tr := toMSBySQL("x")
		tr.Pending = "length_ms IS NULL AND (SELECT count(*) FROM looked WHERE looked.track_id = +track.id + 0) > 0"
		tr.Options.Journal, tr.Writes = true, []string{"length_ms"}
		cfg := quick(t)
		cfg.Limits.StartBatch, cfg.Limits.MinBatch, cfg.Limits.MaxBatch = 20, 20, 20
		log := dryLogged(&cfg, flag)
		in := start(t, db, cfg, tr)
		in.untilReason("x", bgtransform.ReasonDryRun)
		all, err := in.Control().Status(t.Context(), "x")
		must(t, err)
		if text := all[0].Why().Text; !contains(text, "8 batches from all over the table by id, 160 keys, would have changed 160 rows", "about 2000 of 2000 rows are pending",
			"of work; begun now, complete about", "WARNING: each batch reads the whole of table looked") {
			t.Errorf("another process reads %q", text)
		}
		if finish := all[0].Finish; finish.State != bgtransform.ForecastStopped || !strings.HasSuffix(finish.String(), "stopped: nothing but a dry run was asked for") {
			t.Errorf("the run's own finish is %q", finish)
		}
		in.stop()
		if got := log.String(); !contains(got, "dry run: a batch", "keys=20 found=20", "dry run: a statement's plan", "table=looked", "level=WARN msg=\"bgtransform: dry run: a warning\"", "table_pending=2000") {
			t.Errorf("the log is\n%s", got)
		}
		if got := log.String(); strings.Contains(got, "length_ms:987654000") != shown {
			t.Errorf("%s: the log is\n%s", flag, got)
		}
		if n := count(t, db, "SELECT (SELECT count(*) FROM bgtransform_journal) + (SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL)"); n != 0 {
			t.Errorf("%d rows were written, to the table or to its journal", n)
		}
	}
}

// The window of a dry run may close in its midst, and what operators want is heeded
// between its batches.
func TestDryRunHeedsWindowAndOperators(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5000)
	cfg, rec := quick(t), &recorder{}
	cfg.Limits.RowsPerSecond = 500 // a batch in 200 ms
	cfg.Observer = rec
	dryLogged(&cfg)
	in := start(t, db, cfg, toMS("x"))
	under := func(st bgtransform.Status) bool { return len(rec.all()) > 0 && st.State == bgtransform.StateRunning }
	in.until("x", "at its batches", under)
	must(t, in.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "never"}))
	in.until("x", "outside its window", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonWindow })
	if n := len(rec.all()); n >= 8 {
		t.Errorf("%d batches were tried, want fewer than there would be", n)
	}
	must(t, in.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "always"}))
	in.until("x", "at its batches again", under)
	must(t, in.Control().Pause(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StatePaused)
	must(t, in.Control().Resume(t.Context(), "x", ann))
	st := in.until("x", "tried, for other processes to see", func(st bgtransform.Status) bool {
		return st.State == bgtransform.StateWaiting && st.Reason.Code == bgtransform.ReasonDryRun
	})
	if st.Rows != 0 || st.Batches != 0 || count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL") != 0 {
		t.Errorf("something was written: %+v", st)
	}
}

// A dry run is fenced as a run is: once another attempt has begun, it tries nothing more.
func TestI1DryRunIsFenced(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5000)
	cfg, rec := quick(t), &recorder{}
	cfg.Limits.RowsPerSecond, cfg.Observer = 500, rec
	dryLogged(&cfg)
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "at its batches", func(bgtransform.Status) bool { return len(rec.all()) > 0 })
	exec(t, db, "UPDATE bgtransform_ranges SET attempt = attempt + 1")
	st := in.until("x", "fenced off", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonHeld })
	if !strings.Contains(st.Here.Text, "its fence refused ours") {
		t.Errorf("it says %+v", st.Here)
	}
}

// panicking is a transform whose code is wrong.
type panicking struct{ name string }

func (p panicking) Definition() bgtransform.Definition {
	return bgtransform.Definition{Name: p.name, Revision: "1"}
}

func (p panicking) Open(context.Context, *bun.DB) (bgtransform.Stepper, error) { return p, nil }

func (panicking) Step(context.Context, bgtransform.Request) (bgtransform.Step, error) {
	panic("row 4711")
}

// What would fail a run does not fail a dry run: it is what the operator wanted to know.
func TestDryRunFailsNothing(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	cfg := quick(t)
	log := dryLogged(&cfg)
	in := start(t, db, cfg, panicking{"x"})
	st := in.untilReason("x", bgtransform.ReasonDryRun)
	if st.State != bgtransform.StateWaiting || !strings.Contains(st.Reason.Text, "a run would fail: panic of type string") {
		t.Errorf("got %+v", st)
	}
	in.stop()
	if strings.Contains(log.String(), "4711") {
		t.Error("the log quotes a row")
	}
	start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete) // of another definition
	if n := count(t, db, "SELECT count(*) FROM bgtransform_transforms WHERE superseded <> ''"); n != 0 {
		t.Error("the definition of a dry run is remembered as one that was replaced")
	}
}

// A transform that is complete stays so, whatever is asked of an instance that only
// tries: the dry run says what the restart would do, and leaves it to another.
func TestDryRunOfARestart(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	in := start(t, db, quick(t), toMS("x"))
	was := in.untilState("x", bgtransform.StateComplete)
	in.stop()
	cfg := quick(t)
	dryLogged(&cfg)
	dry := start(t, db, cfg, toMS("x"))
	must(t, dry.Control().Restart(t.Context(), "x", ann))
	st := dry.until("x", "tried", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonDryRun })
	if !strings.Contains(st.Here.Text, "would have changed 0 rows") {
		t.Errorf("it says %q", st.Here.Text)
	}
	dry.stop()
	if n := count(t, db, "SELECT count(*) FROM bgtransform_transforms WHERE state = 'complete'"); n != 1 {
		t.Error("it is no longer complete")
	}
	start(t, db, quick(t), toMS("x")).until("x", "complete again", func(st bgtransform.Status) bool {
		return st.Run == was.Run+1 && st.State == bgtransform.StateComplete
	})
}
