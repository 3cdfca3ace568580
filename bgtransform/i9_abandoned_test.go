package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// failing is a lease whose server can be cut off.
type failing struct {
	lease.Locker
	down *atomic.Bool
}

var errCutOff = errors.New("cut off")

func (f failing) Acquire(ctx context.Context, c lease.Claim) error {
	if f.down.Load() {
		return errCutOff
	}
	return f.Locker.Acquire(ctx, c)
}

func (f failing) Renew(ctx context.Context, c lease.Claim) error {
	if f.down.Load() {
		return errCutOff
	}
	return f.Locker.Renew(ctx, c)
}

// A holder that has lost its lease says so at once, to those who look from outside and
// to the other instances: nobody reads that it is at work.
func TestI9LostLeaseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	db := newDB(t, 2000)
	var down atomic.Bool
	cfg := quick(t)
	cfg.Locker, cfg.Instance, cfg.Limits.RowsPerSecond = failing{pooled{cfg.Locker}, &down}, "holder", 20
	holder := start(t, db, cfg, toMS("x"))
	holder.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 && st.Mine })
	cfg.Instance = "other"
	other := start(t, db, cfg, toMS("x"))
	other.until("x", "held by the holder", func(st bgtransform.Status) bool {
		return st.State == bgtransform.StateRunning && st.Holder == "holder" && st.Here.Code == bgtransform.ReasonHeld
	})
	down.Store(true)

	for who, in := range map[string]*instance{"the holder": holder, "the other": other} {
		st := in.until("x", "no longer at work", func(st bgtransform.Status) bool { return st.State != bgtransform.StateRunning })
		wantAbandoned(t, who, st, bgtransform.ReasonLeaseLost, bgtransform.ReasonLocker)
	}
	control, err := bgtransform.NewControl(db)
	must(t, err)
	all, err := control.Status(t.Context(), "x")
	must(t, err)
	wantAbandoned(t, "Control", all[0], bgtransform.ReasonLeaseLost, bgtransform.ReasonLocker)

	down.Store(false)
	for who, in := range map[string]*instance{"the holder": holder, "the other": other} {
		in.until("x", "at work again for "+who, func(st bgtransform.Status) bool { return st.State == bgtransform.StateRunning && st.Holder != "" })
	}
}

// A holder that was killed or is frozen is not at work for anybody who asks once it has
// been silent for longer than it said it would be, and it is told for how long.
func TestI9SilentHolderIsNotAtWork(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	var down atomic.Bool
	cfg := quick(t)
	cfg.Locker, cfg.Instance, cfg.Limits.RowsPerSecond = failing{pooled{cfg.Locker}, &down}, "victim", 10
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	in.stop()
	down.Store(true)
	// As a killed process leaves it: running, with a heartbeat that grows old.
	exec(t, db, "UPDATE bgtransform_transforms SET state = 'running', reason_code = ''")
	exec(t, db, "UPDATE bgtransform_ranges SET rows_per_sec = 10, heartbeat_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) - 40000")
	control, err := bgtransform.NewControl(db)
	must(t, err)
	all, err := control.Status(t.Context(), "x")
	must(t, err)
	wantAbandoned(t, "Control", all[0], bgtransform.ReasonUnattended)
	if text := all[0].Why().Text; !strings.Contains(text, "victim has given no sign for 4") {
		t.Errorf("it says %q, want for how long there has been no sign", text)
	}
	cfg.Instance = "other"
	other := start(t, db, cfg, toMS("x"))
	st := other.until("x", "read", func(st bgtransform.Status) bool { return st.Run > 0 && st.Here.Code == bgtransform.ReasonLocker })
	wantAbandoned(t, "the other", st, bgtransform.ReasonUnattended)
}

// wantAbandoned fails unless st is that of a transform that nobody is at work on, for
// one of some reasons.
func wantAbandoned(t *testing.T, who string, st bgtransform.Status, codes ...bgtransform.ReasonCode) {
	t.Helper()
	ok := false
	for _, code := range codes {
		ok = ok || st.Reason.Code == code
	}
	if !ok || st.State != bgtransform.StateWaiting || st.Holder != "" || st.RowsPerSec != 0 || st.Why().IsZero() {
		t.Errorf("%s says %s, held by %q, at %.0f rows a second, because %+v; want waiting, held by nobody, because %v", who, st.State, st.Holder, st.RowsPerSec, st.Reason, codes)
	}
}
