package lease_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// clocks are a machine's, as far as they are ahead of a bubble's.
type clocks struct{ running, wall atomic.Int64 }

func (c *clocks) ahead() (running, wall time.Duration) {
	return time.Duration(c.running.Load()), time.Duration(c.wall.Load())
}

// freeze lets d pass while nothing of the process runs, its timers neither.
func (c *clocks) freeze(d time.Duration) {
	c.running.Add(int64(d))
	c.wall.Add(int64(d))
}

// set sets the wall clock forward by d.
func (c *clocks) set(d time.Duration) { c.wall.Add(int64(d)) }

// keeperAt is keeper on a machine of the test's own.
func keeperAt(c *clocks, l lease.Locker) *lease.Keeper {
	k := keeper(l)
	k.SetClocks(c.ahead)
	return k
}

// TestI1AcquiredBeforeAFreeze freezes the process before it reads that it has the
// lease: it does not begin to work.
func TestI1AcquiredBeforeAFreeze(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(*clocks){
		"process frozen":    func(c *clocks) { c.freeze(ttl - ttl/5) },
		"machine suspended": func(c *clocks) { c.set(ttl - ttl/5) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				var c clocks
				l := fake{AcquireFunc: func(context.Context, lease.Claim) error {
					pass(&c)
					return nil
				}}
				if err := keeperAt(&c, &l).Do(t.Context(), "n", never(t)); !errors.Is(err, lease.ErrLost) {
					t.Errorf("Do = %v, want an error that is lease.ErrLost", err)
				}
				if diff := cmp.Diff([]string{"acquire", "release"}, l.methods()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestI1RenewedBeforeAFreeze freezes the process before it reads that it still has
// the lease, until its trust is over: it does not go on, whatever runs first.
func TestI1RenewedBeforeAFreeze(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var c clocks
		l := fake{RenewFunc: func(context.Context, lease.Claim) error {
			c.freeze(ttl * 3 / 5) // the trust of the acquire is over, that of the renewal is not
			return nil
		}}
		lived, _, _ := lose(t, keeperAt(&c, &l))
		if lived > ttl/3 {
			t.Errorf("the function's context lived for %s, want the first answer to end it", lived)
		}
		if got := len(l.of("renew")); got != 1 {
			t.Errorf("%d renewals, want none after the loss", got)
		}
	})
}

// TestI1FrozenHolderDoesNotTrust asks in the first line that runs again.
func TestI1FrozenHolderDoesNotTrust(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(*clocks){
		"process frozen":    func(c *clocks) { c.freeze(ttl) },
		"machine suspended": func(c *clocks) { c.set(ttl) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				var c clocks
				err := keeperAt(&c, new(fake)).Do(t.Context(), "n", func(ctx context.Context) error {
					pass(&c)
					mustNotTrust(t, ctx)
					if ctx.Err() == nil {
						t.Error("the context is alive after Trusted said lost")
					}
					return nil
				})
				mustDo(t, err)
			})
		})
	}
}

// TestI1WallClockSetBack sets it back by an hour: the deadline does not move.
func TestI1WallClockSetBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var c clocks
		err := keeperAt(&c, &fake{RenewFunc: always(errNetwork)}).Do(t.Context(), "n", func(ctx context.Context) error {
			c.set(-time.Hour)
			<-time.After(ttl - ttl/5 - 1)
			if err := lease.Trusted(ctx); err != nil {
				t.Errorf("Trusted just before the deadline = %v, want nil", err)
			}
			c.freeze(1)
			mustNotTrust(t, ctx)
			return nil
		})
		mustDo(t, err)
	})
}

// TestWallClockSetBackLosesNothing goes on working after that.
func TestWallClockSetBackLosesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var c clocks
		mustDo(t, keeperAt(&c, new(fake)).Do(t.Context(), "n", func(ctx context.Context) error {
			c.set(-time.Hour)
			return work(10 * ttl)(ctx)
		}))
	})
}
