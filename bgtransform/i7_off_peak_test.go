package bgtransform_test

import (
	"context"
	"strings"
	"sync"
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
		off := window.MustParse("0 2,8,14,20 * * * for 1h in UTC")
		var mu sync.Mutex
		var begun, ended []time.Time
		r := toMS("x")
		each := r.Each
		r.Each = nil
		r.Batch = func(ctx context.Context, ms []*Track) error {
			mu.Lock()
			begun = append(begun, time.Now())
			mu.Unlock()
			timer := time.NewTimer(7 * time.Minute) // a batch takes seven minutes
			defer timer.Stop()
			<-timer.C
			mu.Lock()
			ended = append(ended, time.Now())
			mu.Unlock()
			for _, m := range ms {
				_ = each(ctx, m)
			}
			return nil
		}
		redis := newLease(t)
		defer func() { must(t, redis.Close()) }()
		cfg := quick(t)
		cfg.Locker, cfg.LeaseTTL = redis, time.Hour
		cfg.Window, cfg.BatchTimeout, cfg.RowTimeout = off, time.Hour, time.Hour
		cfg.IdlePoll, cfg.StandbyPoll = time.Minute, time.Minute
		cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 2, StartBatch: 2, MaxBatch: 2, Target: time.Hour}
		s, err := bgtransform.New(db, cfg)
		must(t, err)
		must(t, s.Register(r))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()

		waitVirtual(time.Hour) // 01:00: closed
		all, err := s.Status(ctx)
		must(t, err)
		if st := all[0]; st.Here.Code != bgtransform.ReasonWindow || st.Here.Until.Hour() != 2 || !strings.Contains(st.Here.Text, "opens at") {
			t.Errorf("at 01:00 the status is %+v", st)
		}
		waitVirtual(20 * time.Hour)
		all, err = s.Status(ctx)
		must(t, err)
		if all[0].State != bgtransform.StateComplete || all[0].Rows != 40 {
			t.Errorf("after a day the status is %+v", all[0])
		}
		stop()
		must(t, <-done)

		if len(begun) != 20 {
			t.Errorf("%d batches, want 20", len(begun))
		}
		windows := map[int]bool{}
		for i := range begun {
			windows[begun[i].UTC().Hour()] = true
			if !off.Contains(begun[i]) {
				t.Errorf("batch %d began at %s, outside the window", i, begun[i].UTC())
			}
			if closes, _ := off.Closes(begun[i]); ended[i].After(closes) {
				t.Errorf("batch %d began at %s and ended at %s, after the window had closed", i, begun[i].UTC(), ended[i].UTC())
			}
		}
		if len(windows) < 3 {
			t.Errorf("done in %d windows; eight batches of seven minutes fit in each", len(windows))
		}
	})
}

func waitVirtual(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}
