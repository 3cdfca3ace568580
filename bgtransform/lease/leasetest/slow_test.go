package leasetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

// TestRunAcceptsSlowLockers runs the suite on Lockers that answer late, as on a
// machine with too much to do. Some answers take longer than the shortest leases.
func TestRunAcceptsSlowLockers(t *testing.T) {
	t.Parallel()
	for name, pauses := range map[string][]time.Duration{
		"at first":     append([]time.Duration{25 * time.Millisecond}, make([]time.Duration, 100)...),
		"too late":     append([]time.Duration{1200 * time.Millisecond}, make([]time.Duration, 100)...),
		"now and then": {0, 600 * time.Millisecond, 0, 0, 150 * time.Millisecond, 0, 3 * time.Second, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leasetest.Run(t, leasetest.Options{Bubble: true, New: func(*testing.T) (lease.Locker, lease.Locker) {
				m := new(leasetest.Memory)
				next := make(chan time.Duration, len(pauses))
				for _, p := range pauses {
					next <- p
				}
				slow := func(do func(context.Context, lease.Claim) error) func(context.Context, lease.Claim) error {
					return func(ctx context.Context, c lease.Claim) error {
						pause := <-next
						next <- pause
						err := do(ctx, c)
						<-time.After(pause)
						return err
					}
				}
				l := &broken{AcquireFunc: slow(m.Acquire), RenewFunc: slow(m.Renew), ReleaseFunc: slow(m.Release)}
				return l, l
			}})
		})
	}
}
