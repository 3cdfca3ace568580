package bgtransform_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// stuckWatch is an observer that is told of what is stuck.
type stuckWatch struct {
	recorder
	told chan bgtransform.StuckInfo
}

func newStuckWatch() *stuckWatch { return &stuckWatch{told: make(chan bgtransform.StuckInfo, 10)} }

func (w *stuckWatch) Stuck(_ context.Context, info bgtransform.StuckInfo) { w.told <- info }

// next waits for what is told next.
func (w *stuckWatch) next(t *testing.T) bgtransform.StuckInfo {
	t.Helper()
	select {
	case info := <-w.told:
		return info
	case <-time.After(time.Minute):
		t.Fatal("nothing is told")
		return bgtransform.StuckInfo{}
	}
}

// stuckly is a config with which a second is long.
func stuckly(t *testing.T, w *stuckWatch, log *lines) bgtransform.Config {
	t.Helper()
	cfg := quick(t)
	cfg.LeaseTTL, cfg.StuckAfter, cfg.Observer = 300*time.Millisecond, 1200*time.Millisecond, w
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	return cfg
}

// shyLocker gives no lease until it may.
type shyLocker struct {
	lease.Locker
	open atomic.Bool
}

func (l *shyLocker) Acquire(ctx context.Context, c lease.Claim) error {
	if !l.open.Load() {
		return errors.New("no route to host")
	}
	return l.Locker.Acquire(ctx, c)
}

// A transform that should come forward and does not is told of once, with the reason,
// everywhere; so is the end of that.
func TestI9StuckIsTold(t *testing.T) {
	t.Parallel()
	db, w, log := newDB(t, 20), newStuckWatch(), new(lines)
	cfg := stuckly(t, w, log)
	locker := &shyLocker{Locker: cfg.Locker}
	cfg.Locker = locker
	in := start(t, db, cfg, toMS("x"))
	info := w.next(t)
	if info.Transform != "x" || info.Since.IsZero() || info.Reason.Code != bgtransform.ReasonLocker {
		t.Errorf("told of %+v", info)
	}
	st := in.until("x", "stuck", func(st bgtransform.Status) bool { return !st.Stuck.IsZero() })
	if st.Why().Code != bgtransform.ReasonLocker {
		t.Errorf("the status gives the reason %+v", st.Why())
	}
	locker.open.Store(true)
	if info = w.next(t); !info.Since.IsZero() {
		t.Errorf("told of %+v, want the end", info)
	}
	in.untilState("x", bgtransform.StateComplete)
	in.stop()
	if n := strings.Count(log.String(), "bgtransform: stuck"); n != 1 || !strings.Contains(log.String(), "not stuck any more") {
		t.Errorf("the log says %d times that it is stuck:\n%s", n, log)
	}
}

// A transaction that nobody ends holds up the last pass: it is not the transform that is
// slow. An instance beside the holder, and an operator outside, see it too, but only the
// holder says so in the log.
func TestI9StuckOnAnOpenTransaction(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, d database) {
		db, w, besides := d.open(t), newStuckWatch(), new(lines)
		seed(t, db, 50)
		app := begun(t, d.open(t), "INSERT INTO tracks (id, title, length) VALUES (0, 'import', 7)")
		cfg := stuckly(t, w, new(lines))
		in := start(t, db, cfg, toMS("x"))
		in.until("x", "waiting for the import", waits(t))
		cfg.Observer, cfg.Logger = nil, slog.New(slog.NewTextHandler(besides, nil))
		beside := start(t, d.open(t), cfg, toMS("x"))
		for info := w.next(t); info.Since.IsZero() || info.Reason.Code != bgtransform.ReasonWriters; {
			info = w.next(t) // of the passes before
		}
		beside.until("x", "seen to be stuck", func(st bgtransform.Status) bool { return !st.Stuck.IsZero() })
		outside, err := bgtransform.NewControl(d.open(t))
		must(t, err)
		all, err := outside.Status(t.Context(), "x")
		must(t, err)
		if all[0].Stuck.IsZero() {
			t.Errorf("from outside it is not stuck: %+v", all[0])
		}
		must(t, app.Commit())
		in.untilState("x", bgtransform.StateComplete)
		for info := w.next(t); !info.Since.IsZero(); {
			info = w.next(t)
		}
		if got := besides.String(); strings.Contains(got, "stuck") {
			t.Errorf("the log of the instance beside it says:\n%s", got)
		}
	})
}

// Who rests, is paced, or waits for its window is not stuck, however long that takes.
func TestNotStuck(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(cfg *bgtransform.Config){
		"paced": func(cfg *bgtransform.Config) {
			cfg.Limits = throttle.Limits{RowsPerSecond: 0.2}
		},
		"closed": func(cfg *bgtransform.Config) { cfg.Window = closedNow() },
		"paused": func(*bgtransform.Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, w, log := newDB(t, 100), newStuckWatch(), new(lines)
			cfg := stuckly(t, w, log)
			change(&cfg)
			in := start(t, db, cfg, toMS("x"))
			if name == "paused" {
				in.until("x", "known", func(st bgtransform.Status) bool { return st.Run > 0 })
				must(t, in.Control().Pause(t.Context(), "x", bgtransform.By{Who: "ann"}))
			}
			outside, err := bgtransform.NewControl(db)
			must(t, err)
			over := time.NewTimer(2 * cfg.StuckAfter)
			defer over.Stop()
			var once sync.Once
			in.until("x", "there for long enough", func(st bgtransform.Status) bool {
				all, err := outside.Status(t.Context(), "x")
				if err == nil && (!all[0].Stuck.IsZero() || !st.Stuck.IsZero()) {
					once.Do(func() { t.Errorf("it counts as stuck: %+v, from outside %+v", st, all[0]) })
				}
				select {
				case <-over.C:
					return true
				default:
					return false
				}
			})
			if got := log.String(); strings.Contains(got, "stuck") {
				t.Errorf("the log says:\n%s", got)
			}
		})
	}
}
