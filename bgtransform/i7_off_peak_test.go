package bgtransform_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// A day in virtual time: no batch begins outside the window, nor
// one that would not end before it closes, and the status says when it opens.
func TestI7OffPeakMeansOffPeak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 40)
		defer func() { must(t, db.Close()) }()
		s := startShifts(t, db, toMS("x"))

		waitVirtual(time.Hour) // 01:00: closed
		if st := s.status(t); st.Here.Code != bgtransform.ReasonWindow || st.Here.Until.Hour() != 2 || !strings.Contains(st.Here.Text, "opens at") {
			t.Errorf("at 01:00 the status is %+v", st)
		}
		waitVirtual(20 * time.Hour)
		if st := s.status(t); st.State != bgtransform.StateComplete || st.Rows != 40 {
			t.Errorf("after a day the status is %+v", st)
		}
		s.stop()

		s.wantInWindow(t, 20)
		windows := map[int]bool{}
		for _, at := range s.begun {
			windows[at.UTC().Hour()] = true
		}
		if len(windows) < 3 {
			t.Errorf("done in %d windows; eight batches of seven minutes fit in each", len(windows))
		}
	})
}

// everyThreeHours is a window that opens soon: virtual time is not free, because
// whoever waits in it looks what operators want.
func everyThreeHours() window.Window { return window.MustParse("0 */3 * * * for 1h in UTC") }

// A batch that takes longer than those before it may go on for the grace. Then it is
// cancelled and rolled back, the status says so, and the next window begins with
// fewer keys.
func TestI7BatchThatOverrunsIsCancelledAtTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 60)
		defer func() { must(t, db.Close()) }()
		audit(t, db)
		grace := func(cfg *bgtransform.Config) {
			cfg.Window, cfg.WindowGrace = everyThreeHours(), 10*time.Minute
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 4, StartBatch: 4, MaxBatch: 4, Target: time.Hour}
		}
		s := startShiftsOf(t, db, toMS("x"), grace, func(batch, _ int) time.Duration {
			switch batch {
			case 8: // begins at 49 minutes past twelve
				return 20 * time.Minute // within the grace
			case 14: // after five of seven minutes
				return time.Hour
			}
			return 7 * time.Minute
		})

		waitVirtual(2 * time.Hour)
		if st := s.status(t); st.Rows != 32 || st.Batches != 8 {
			t.Errorf("after a batch that ended within the grace the status is %+v", st)
		}
		waitVirtual(2*time.Hour + 15*time.Minute)
		s.mu.Lock()
		at, size := s.ended[len(s.ended)-1], s.sizes[len(s.sizes)-1]
		s.mu.Unlock()
		if at.UTC().Hour() != 4 || at.Minute() != 10 || size != 4 {
			t.Errorf("a batch of %d keys was cancelled at %v, want 4 and ten minutes after the window had closed", size, at)
		}
		st := s.status(t)
		if st.State != bgtransform.StateWaiting || st.Reason.Code != bgtransform.ReasonWindow || st.Reason.Until.Hour() != 6 ||
			!strings.Contains(st.Reason.Text, "while a batch of 4 keys at most was under way, which was cancelled and rolled back; the next window begins with 2; outside its window, which opens at") {
			t.Errorf("it waits because %+v", st.Reason)
		}
		cancelled := len(s.sizes)
		waitVirtual(3 * time.Hour)
		st = s.status(t)
		s.stop()
		if st.State != bgtransform.StateComplete || st.Quarantined != 0 || s.sizes[cancelled] != 2 {
			t.Errorf("after a batch of %d keys the status is %+v", s.sizes[cancelled], st)
		}
		wantOnce(t, db, 60)
	})
}

// What is left of a window is used by a smaller batch, if that ends in time by what
// the larger ones have taken.
func TestI7SmallerBatchFitsBeforeClosing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 120)
		defer func() { must(t, db.Close()) }()
		limits := func(cfg *bgtransform.Config) {
			cfg.Window = everyThreeHours()
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 2, StartBatch: 8, MaxBatch: 8, Target: time.Hour}
		}
		s := startShiftsOf(t, db, toMS("x"), limits, func(_, rows int) time.Duration { return time.Duration(rows) * 50 * time.Second })

		waitVirtual(4*time.Hour + 30*time.Minute)
		if st := s.status(t); st.State != bgtransform.StateComplete || st.Rows != 120 {
			t.Errorf("in its second window the status is %+v", st)
		}
		s.stop()
		s.wantInWindow(t, len(s.begun))
		// Nine batches of 400 s would end as the window closes, which is too late.
		if rows := s.inWindow(0); len(rows) != 9 || rows[7] != 8 || rows[8] != 7 {
			t.Errorf("the first window had batches of %v rows, want eight of 8 and one of 7", rows)
		}
	})
}

// After hours of rest the first batch is as small as the first of all, and is not
// expected to take what others took that long ago.
func TestI7WindowBeginsAfresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 100)
		defer func() { must(t, db.Close()) }()
		limits := func(cfg *bgtransform.Config) {
			cfg.Window = everyThreeHours()
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 1, StartBatch: 2, MaxBatch: 16, Target: 30 * time.Minute}
		}
		s := startShiftsOf(t, db, toMS("x"), limits, func(_, rows int) time.Duration { return time.Duration(rows) * time.Minute })

		waitVirtual(4*time.Hour + 30*time.Minute)
		if st := s.status(t); st.State != bgtransform.StateComplete {
			t.Errorf("in its second window the status is %+v", st)
		}
		s.stop()
		s.wantInWindow(t, len(s.begun))
		for n := range 2 {
			rows := s.inWindow(n)
			if len(rows) < 4 || rows[0] != 2 || slices.Max(rows) < 8 {
				t.Errorf("window %d had batches of %v rows, want 2 and then more", n, rows)
			}
		}
	})
}
