package bgtransform_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Twenty batches of seven minutes, eight of which fit in a window: what is foretold
// between two windows is when it really ends, and a process that knows nothing of the
// window says the same.
func TestForecastIsWhenItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 40)
		defer func() { must(t, db.Close()) }()
		s := startShifts(t, db, toMS("x"))
		control, err := bgtransform.NewControl(db)
		must(t, err)

		waitVirtual(time.Hour) // 01:00: before the first window
		if f := s.status(t).Finish; f.State != bgtransform.ForecastMeasuring {
			t.Errorf("before the first batch the forecast is %+v", f)
		}
		waitVirtual(75 * time.Minute) // 02:15: two batches are done
		if f := s.status(t).Finish; f.State != bgtransform.ForecastMeasuring {
			t.Errorf("after two batches the forecast is %+v", f)
		}
		waitVirtual(225 * time.Minute) // 06:00: eight are done
		f := s.status(t).Finish
		if f.State != bgtransform.ForecastReady || f.Windows != 2 || !strings.HasSuffix(f.String(), ", in 2 windows") {
			t.Errorf("between two windows the forecast is %+v, %q", f, f)
		}
		all, err := control.Status(t.Context(), "x")
		must(t, err)
		if got := all[0].Finish; !got.At.Equal(f.At) || got.State != f.State || got.Windows != f.Windows || got.Left != f.Left {
			t.Errorf("another process foretells %+v, this one %+v", got, f)
		}

		must(t, s.Control().Pause(t.Context(), "x", bgtransform.By{Who: "ann", Why: "lunch"}))
		waitVirtual(time.Minute)
		if got := s.status(t).Finish; got.State != bgtransform.ForecastStopped || !got.At.IsZero() || got.Left != f.Left || !strings.Contains(got.String(), "paused by ann: lunch") {
			t.Errorf("while it is paused the forecast is %+v, %q", got, got)
		}
		must(t, s.Control().Resume(t.Context(), "x", bgtransform.By{Who: "ann"}))

		waitVirtual(150 * time.Minute) // 08:31: in the second window, by another attempt
		if f2 := s.status(t).Finish; f2.State != bgtransform.ForecastReady || f2.At.Sub(f.At).Abs() > 10*time.Minute {
			t.Errorf("in the second window the forecast is %+v, in the first it was %+v", f2, f)
		}
		waitVirtual(10 * time.Hour)
		st := s.status(t)
		s.stop()
		if st.State != bgtransform.StateComplete || !st.Finish.IsZero() {
			t.Errorf("in the end the status is %+v", st)
		}
		// The proof and the last pause are no batches of seven minutes.
		ended := s.ended[len(s.ended)-1]
		if late := ended.Sub(f.At).Abs(); late > 15*time.Minute {
			t.Errorf("it was complete at %s; foretold was %s", ended.UTC(), f.At.UTC())
		}
	})
}

// An attempt that does nothing measures nothing: the forecast stays what it was, and
// becomes overdue, however often somebody begins.
func TestForecastStaysWhileNothingIsDone(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond, cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 100, 10, 10
	first := start(t, db, cfg, toMS("x"))
	first.until("x", "foretold", func(st bgtransform.Status) bool { return st.Finish.State == bgtransform.ForecastReady })
	first.stop()
	control, err := bgtransform.NewControl(db)
	must(t, err)
	made := func() time.Time {
		all, err := control.Status(t.Context(), "x")
		must(t, err)
		return all[0].Finish.Made
	}
	was := made()
	var d dial
	d.set(throttle.Stop)
	cfg.Signals = []throttle.Signal{d.signal()}
	second := start(t, db, cfg, toMS("x"))
	second.until("x", "throttled", lags)
	if is := made(); was.IsZero() || !is.Equal(was) {
		t.Errorf("the forecast was made at %s, and at %s by an attempt that did nothing", was, is)
	}
}
