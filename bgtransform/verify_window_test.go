package bgtransform_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
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
		r := toMS("x")
		r.Options.VerifySample = 1
		s := startShifts(t, db, r)

		waitVirtual(16 * time.Hour)
		st := s.status(t)
		if why := st.Why(); st.Verify == nil || st.Verify.State != bgtransform.VerifyRunning || why.Code != bgtransform.ReasonWindow || why.Until.Hour() != 20 {
			t.Errorf("at 16:00 it waits because %+v: %+v", why, st.Verify)
		}
		waitVirtual(8 * time.Hour)
		if st = s.status(t); st.Verified.IsZero() || st.Verify.Rows != 24 {
			t.Errorf("after a day the verification is %+v", st.Verify)
		}
		s.stop()
		s.wantInWindow(t, 12+12) // the transform's, and those of its verification
	})
}
