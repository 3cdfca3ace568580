package bgtransform_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
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
