package bgtransform_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// A batch that fits into no window is not begun and cancelled in each of them for ever:
// the status says so, and what to do, and ever more windows are left out. What an
// operator changes is tried at once.
func TestI9BatchThatFitsNoWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 8)
		defer func() { must(t, db.Close()) }()
		short := func(cfg *bgtransform.Config) {
			cfg.Window, cfg.WindowGrace = window.MustParse("every 20s for 5s"), time.Second
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 4, StartBatch: 4, MaxBatch: 4, Target: time.Second}
		}
		s := startShiftsOf(t, db, toMS("x"), short, func(int, int) time.Duration { return 12 * time.Second })

		waitVirtual(2 * time.Hour) // 360 windows
		st := s.status(t)
		s.mu.Lock()
		begun, last := len(s.begun), s.sizes[len(s.sizes)-1]
		s.mu.Unlock()
		if begun < 5 || begun > 13 || last != 1 {
			t.Errorf("%d batches were begun, the last with %d rows; want a few, and 1", begun, last)
		}
		if st.State != bgtransform.StateWaiting || st.Reason.Code != bgtransform.ReasonWindow || !contains(st.Reason.Text,
			"no batch has fitted into its last", "a batch of 1 key at most was cancelled after 6s, when its window had closed; widen WINDOW", "; the next try is at ") ||
			st.Reason.Until.Before(time.Now().Add(time.Minute)) {
			t.Errorf("it waits because %+v", st.Reason)
		}

		must(t, s.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "every 1m for 30s"}))
		waitVirtual(20 * time.Minute)
		if st := s.status(t); st.State != bgtransform.StateComplete {
			t.Errorf("with a wider window it is %+v", st)
		}
		s.stop()
	})
}

// Where it is known beforehand that no batch fits, none is begun.
func TestI9BatchesKnownToFitNoWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 100)
		defer func() { must(t, db.Close()) }()
		limits := func(cfg *bgtransform.Config) {
			cfg.Window = window.Always()
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 4, StartBatch: 4, MaxBatch: 4, Target: time.Minute}
		}
		s := startShiftsOf(t, db, toMS("x"), limits, func(_, rows int) time.Duration { return time.Duration(rows) * 10 * time.Second })
		waitVirtual(3 * time.Minute)
		must(t, s.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "every 20s for 5s"}))
		waitVirtual(time.Minute)
		s.mu.Lock()
		begun := len(s.begun)
		s.mu.Unlock()
		waitVirtual(10 * time.Minute)
		st := s.status(t)
		if !contains(st.Reason.Text, "one of 4 keys needs about 40s, the window is open for 5s; widen WINDOW, or lower BATCH_MIN, which is 4; the next try is at ") {
			t.Errorf("it waits because %+v", st.Reason)
		}
		if strings.Contains(st.Finish.String(), "complete") {
			t.Errorf("it is to be %s", st.Finish)
		}
		must(t, s.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingWindow: "every 2m for 1m"}))
		waitVirtual(3 * time.Minute)
		s.mu.Lock()
		again := len(s.begun)
		s.mu.Unlock()
		s.stop()
		if begun > 6 || again <= begun {
			t.Errorf("%d batches before, and %d once the window was widened", begun, again)
		}
	})
}
