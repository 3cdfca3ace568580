package bgtransform_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/adapters/embedded"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// releases notes when the lease was given back.
type releases struct {
	*embedded.Redis

	at *atomic.Pointer[time.Time]
}

func (r releases) Release(ctx context.Context, c lease.Claim) error {
	r.at.Store(new(time.Now()))
	return r.Redis.Release(ctx, c)
}

// A health signal that does not heed its context holds up no hand-over: the next
// instance need not wait until it is given up.
func TestI6AHangingSignalDoesNotHoldUpTheHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 100)
		defer func() { must(t, db.Close()) }()
		var looks atomic.Int32
		var released atomic.Pointer[time.Time]
		unhang := make(chan struct{})
		hangs := throttle.Signal{Name: "hangs", Read: func(context.Context) (throttle.Reading, error) {
			if looks.Add(1) > 1 {
				<-unhang
			}
			return throttle.Reading{}, nil
		}}
		s := startShiftsOf(t, db, toMS("x"), func(cfg *bgtransform.Config) {
			cfg.Window, cfg.Signals = window.Always(), []throttle.Signal{hangs}
			cfg.Limits.RowsPerSecond = 1
			cfg.Locker = releases{cfg.Locker.(*embedded.Redis), &released}
		}, func(int, int) time.Duration { return 0 })
		for looks.Load() < 2 {
			waitVirtual(100 * time.Millisecond)
		}
		stopped := time.Now()
		s.stop()
		close(unhang)
		if at := released.Load(); at == nil || at.Sub(stopped) >= 500*time.Millisecond {
			t.Errorf("stopped at %s, the lease was given back at %v", stopped, at)
		}
	})
}
