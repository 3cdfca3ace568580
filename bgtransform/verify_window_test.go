package bgtransform_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Outside its window a verification does not begin, and says why and until when;
// to stop it, nobody waits for the window.
func TestI9VerificationSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	db := newDB(t, 250)
	var calls atomic.Int64
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		calls.Add(1)
		return each(ctx, m)
	}
	first := start(t, db, quick(t), r)
	first.untilState("x", bgtransform.StateComplete)
	first.stop()
	calls.Store(0)

	cfg := quick(t)
	now := time.Now().UTC()
	cfg.Window = window.MustParse(fmt.Sprintf("%d %d * * * for 1h in UTC", now.Minute(), (now.Hour()+12)%24))
	in := start(t, db, cfg, r)
	must(t, in.Control().Verify(t.Context(), "x", bgtransform.VerifyOptions{Sample: 0.5}, ann))
	st := in.until("x", "outside its window", func(st bgtransform.Status) bool { return st.Why().Code == bgtransform.ReasonWindow })
	if st.State != bgtransform.StateComplete || st.Verify.State != bgtransform.VerifyAsked || st.Verify.By != "ann" || st.Verify.Sample != 0.5 {
		t.Errorf("%+v: %+v", st, st.Verify)
	}
	if why := st.Why(); why.Until.Before(now.Add(time.Hour)) || !strings.Contains(why.Text, "opens at") {
		t.Errorf("it waits because %+v", why)
	}
	must(t, in.Control().StopVerify(t.Context(), "x", ann))
	st = in.until("x", "no longer asked", func(st bgtransform.Status) bool { return st.Verify == nil })
	if !st.Why().IsZero() || calls.Load() != 0 {
		t.Errorf("%+v, %d calls of user code outside the window", st, calls.Load())
	}
}

// A day in virtual time: no batch of a verification begins outside the window, nor
// one that would not end before it closes.
func TestI7VerificationKeepsToItsWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 24)
		defer func() { must(t, db.Close()) }()
		off := window.MustParse("0 2,8,14,20 * * * for 1h in UTC")
		var mu sync.Mutex
		var begun, ended []time.Time
		r := toMS("x")
		each := r.Each
		r.Options.VerifySample = 1
		r.Each = nil
		slow := false
		r.Batch = func(ctx context.Context, ms []*Track) error {
			mu.Lock()
			began := time.Now()
			if slow {
				begun = append(begun, began)
			}
			mu.Unlock()
			timer := time.NewTimer(7 * time.Minute)
			defer timer.Stop()
			<-timer.C
			mu.Lock()
			if slow {
				ended = append(ended, time.Now())
			}
			slow = slow || ms[0].ID == 23 // the last batch of the transform
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

		waitVirtual(16 * time.Hour)
		all, err := s.Status(ctx)
		must(t, err)
		if why := all[0].Why(); all[0].Verify == nil || all[0].Verify.State != bgtransform.VerifyRunning || why.Code != bgtransform.ReasonWindow || why.Until.Hour() != 20 {
			t.Errorf("at 16:00 it waits because %+v: %+v", why, all[0].Verify)
		}
		waitVirtual(8 * time.Hour)
		all, err = s.Status(ctx)
		must(t, err)
		if all[0].Verified.IsZero() || all[0].Verify.Rows != 24 {
			t.Errorf("after a day the verification is %+v", all[0].Verify)
		}
		stop()
		must(t, <-done)

		if len(begun) != 12 {
			t.Errorf("%d batches, want 12", len(begun))
		}
		for i := range begun {
			if !off.Contains(begun[i]) {
				t.Errorf("batch %d began at %s, outside the window", i, begun[i].UTC())
			}
			if closes, _ := off.Closes(begun[i]); ended[i].After(closes) {
				t.Errorf("batch %d began at %s and ended at %s, after the window had closed", i, begun[i].UTC(), ended[i].UTC())
			}
		}
	})
}
