package bgtransformtest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// forgetful grants leases, and has forgotten the first when it is to be renewed.
type forgetful struct{ renewed *atomic.Int32 }

func (forgetful) Acquire(ctx context.Context, _ lease.Claim) error { return ctx.Err() }
func (forgetful) Release(ctx context.Context, _ lease.Claim) error { return ctx.Err() }
func (f forgetful) Renew(ctx context.Context, _ lease.Claim) error {
	if f.renewed.Add(1) == 1 {
		return lease.ErrLost
	}
	return ctx.Err()
}

// An attempt that may not write how it ended leaves the transform running: that is not
// the end of it, and another instance goes on.
func TestRunGoesOnAfterAnAttemptWithoutAnEnd(t *testing.T) {
	t.Parallel()
	renewed := new(atomic.Int32)
	slow := goodRows()
	slow.Each = func(ctx context.Context, m *Track) error {
		if renewed.Load() == 0 {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return toMS(ctx, m)
	}
	bgtransformtest.Run(t, five(), slow, bgtransformtest.WithConfig(func(cfg *bgtransform.Config) {
		cfg.Locker, cfg.LeaseTTL = forgetful{renewed}, 500*time.Millisecond
	}))
	if renewed.Load() == 0 {
		t.Error("the lease was never renewed, so this test shows nothing")
	}
}
