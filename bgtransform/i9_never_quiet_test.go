package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Whatever keeps a transform from advancing, the status says what, and until
// when or by whom if anybody knows.
func TestI9NeverSilentlyQuiet(t *testing.T) {
	t.Parallel()
	noop := func(*bgtransform.Config, *bgtransform.Rows[Track]) {}
	for name, c := range map[string]struct {
		setup func(*bgtransform.Config, *bgtransform.Rows[Track])
		steer func(ctx context.Context, c *bgtransform.Control) error
		code  bgtransform.ReasonCode
		text  string
		until bool

		outside bool // only an instance knows: it must be seen from another process too
	}{
		"disabled by a flag": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) {
				cfg.Environ = []string{"BGTRANSFORM_ENABLED__X=false"}
			},
			code: bgtransform.ReasonDisabled, text: "BGTRANSFORM_ENABLED__X",
			outside: true,
		},
		"disabled by the code": {
			setup: func(_ *bgtransform.Config, r *bgtransform.Rows[Track]) { r.Options.Disabled = true },
			code:  bgtransform.ReasonDisabled, text: "BGTRANSFORM_ENABLED__X=true enables it",
			outside: true,
		},
		"outside its window": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) { cfg.Window = closedNow() },
			code:  bgtransform.ReasonWindow, text: "opens at", until: true,
			outside: true,
		},
		"a window that never opens": {
			setup: func(_ *bgtransform.Config, r *bgtransform.Rows[Track]) { r.Options.Window = window.Never() },
			code:  bgtransform.ReasonWindow, text: "never opens",
			outside: true,
		},
		"held by another instance": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) {
				must(t, cfg.Locker.Acquire(context.Background(), lease.Claim{Name: "x", Holder: "instance-9", Term: "t", TTL: 4 * time.Minute}))
			},
			code: bgtransform.ReasonHeld, text: "instance-9", until: true,
		},
		"throttled": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) { cfg.Limits.RowsPerSecond = 10 },
			code:  bgtransform.ReasonThrottle, text: "rows per second 10",
		},
		"paused": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) { cfg.Limits.RowsPerSecond = 100 },
			steer: func(ctx context.Context, c *bgtransform.Control) error {
				return c.Pause(ctx, "x", bgtransform.By{Who: "ann", Why: "too loud"})
			},
			code: bgtransform.ReasonPaused, text: "paused by ann: too loud",
		},
		"cancelled": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) { cfg.Limits.RowsPerSecond = 100 },
			steer: func(ctx context.Context, c *bgtransform.Control) error {
				return c.Cancel(ctx, "x", bgtransform.By{Who: "bob"})
			},
			code: bgtransform.ReasonCancelled, text: "cancelled by bob",
		},
		"waiting for another transform": {
			setup: func(_ *bgtransform.Config, r *bgtransform.Rows[Track]) { r.Options.After = []string{"first"} },
			code:  bgtransform.ReasonDependency, text: `"first"`,
			outside: true,
		},
		"rows in quarantine": {
			setup: func(cfg *bgtransform.Config, r *bgtransform.Rows[Track]) {
				each := r.Each
				r.Each = func(ctx context.Context, m *Track) error {
					if m.ID == 1 {
						return errors.New("no")
					}
					return each(ctx, m)
				}
			},
			code: bgtransform.ReasonQuarantine, text: "1 row in quarantine",
		},
		"too many rows in quarantine": {
			setup: func(_ *bgtransform.Config, r *bgtransform.Rows[Track]) {
				r.Each = func(context.Context, *Track) error { return errors.New("no") }
			},
			code: bgtransform.ReasonTooManyBad, text: "MaxQuarantineShare",
		},
		"dry run": {
			setup: func(cfg *bgtransform.Config, _ *bgtransform.Rows[Track]) {
				cfg.Environ = []string{"BGTRANSFORM_DRY_RUN=true"}
			},
			code: bgtransform.ReasonDryRun, text: "would have changed 800 rows",
		},
		"no such table": {
			setup: noop, code: bgtransform.ReasonSchema, text: `table "tracks" does not exist`, until: true,
			steer: nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := 1000
			db := newDB(t, rows)
			if name == "no such table" {
				exec(t, db, "DROP TABLE tracks")
			}
			cfg, r := quick(t), toMS("x")
			c.setup(&cfg, &r)
			in := start(t, db, cfg, r)
			if c.steer != nil {
				in.until("x", "running", func(st bgtransform.Status) bool { return st.Rows > 0 })
				must(t, c.steer(t.Context(), in.Control()))
			}
			st := in.until("x", "waiting for "+string(c.code), func(st bgtransform.Status) bool {
				return reasonFor(st, c.code) != bgtransform.Reason{} && !strings.HasPrefix(st.Reason.Text, "about to")
			})
			reason := reasonFor(st, c.code)
			if !strings.Contains(reason.Text, c.text) {
				t.Errorf("reason is %q; want it to tell %q", reason, c.text)
			}
			if c.outside {
				in.until("x", "explained to others", func(bgtransform.Status) bool {
					control, err := bgtransform.NewControl(db)
					must(t, err)
					all, err := control.Status(t.Context(), "x")
					must(t, err)
					why := all[0].Why()
					return why.Code == c.code && strings.Contains(why.Text, c.text) && strings.Contains(why.Text, in.Instance())
				})
			}
			if c.until && !reason.Until.After(time.Now().Add(-time.Minute)) {
				t.Errorf("reason %q does not tell until when", reason)
			}
		})
	}
}

func reasonFor(st bgtransform.Status, code bgtransform.ReasonCode) bgtransform.Reason {
	for _, r := range []bgtransform.Reason{st.Reason, st.Here} {
		if r.Code == code {
			return r
		}
	}
	return bgtransform.Reason{}
}

// closedNow returns a window that opens in about twelve hours.
func closedNow() window.Window {
	opens := time.Now().UTC().Add(12 * time.Hour)
	return window.MustParse(opens.Format("4 15 * * *") + " for 1h in UTC")
}

// A holder that vanished is said to be gone, and who it was.
func TestI9NeverSilentlyQuietUnattended(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	cfg := quick(t)
	cfg.Instance = "victim"
	cfg.Limits.RowsPerSecond = 10
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	in.stop()
	// As a killed process leaves it: running, with a heartbeat that grows old.
	exec(t, db, "UPDATE bgtransform_transforms SET state = 'running', reason_code = ''")
	exec(t, db, "UPDATE bgtransform_ranges SET heartbeat_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) - 3600000")
	control, err := bgtransform.NewControl(db)
	must(t, err)
	all, err := control.Status(t.Context(), "x")
	must(t, err)
	if r := all[0].Reason; r.Code != bgtransform.ReasonUnattended || !strings.Contains(r.Text, "victim") {
		t.Errorf("reason is %q", r)
	}
}

// A transform that advances says what keeps it from being faster, also when nothing
// makes it wait.
func TestI9ARunningTransformSaysWhatLimitsIt(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	seen := make(chan struct{})
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 900 {
			select {
			case <-seen:
			case <-ctx.Done():
				return bgtransform.Later(0, ctx.Err())
			}
		}
		return each(ctx, m)
	}
	in := start(t, db, quick(t), r)
	in.until("x", "limited by its batches", func(st bgtransform.Status) bool {
		return st.State == bgtransform.StateRunning && st.Why().Text == "batches of 100 keys at most"
	})
	close(seen)
	in.untilState("x", bgtransform.StateComplete)
}

// What an instance has said is taken back when it stops, also if it stops at work: else
// a window that has opened long since would seem to be why nobody goes on.
func TestI9StopTakesBackWhatAnInstanceSaid(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5000)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond = 500
	in := start(t, db, cfg, toMS("x"))
	other, err := bgtransform.NewControl(db)
	must(t, err)
	in.until("x", "running", func(st bgtransform.Status) bool { return st.Rows > 0 })
	must(t, other.Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "never"}))
	in.until("x", "said to be outside its window", func(bgtransform.Status) bool {
		return count(t, db, "SELECT count(*) FROM bgtransform_signs WHERE reason_code = 'window'") == 1
	})
	must(t, other.Untune(t.Context(), "x", ann))
	in.until("x", "running again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateRunning && st.Mine })
	in.stop()
	all, err := other.Status(t.Context(), "x")
	must(t, err)
	if why := all[0].Why(); why.Code != bgtransform.ReasonStopped {
		t.Errorf("it does not go on because %+v, want that its instance has shut down", why)
	}
}
