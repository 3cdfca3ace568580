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

// lose runs Do until the lease is lost and returns how long the function's
// context lived, how long Do took, and its error.
func lose(t *testing.T, k *lease.Keeper) (lived, took time.Duration, err error) {
	t.Helper()
	start := time.Now()
	err = k.Do(t.Context(), "n", func(ctx context.Context) error {
		<-ctx.Done()
		lived = time.Since(start)
		if !errors.Is(context.Cause(ctx), lease.ErrLost) {
			t.Errorf("cause = %v, want lease.ErrLost", context.Cause(ctx))
		}
		return ctx.Err()
	})
	if !errors.Is(err, lease.ErrLost) {
		t.Errorf("Do = %v, want an error that is lease.ErrLost", err)
	}
	return lived, time.Since(start), err
}

func TestLossThatTheLockerReports(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{RenewFunc: always(lease.ErrLost)}
		var got events
		k := keeper(&l)
		k.Events = got.add
		lived, _, _ := lose(t, k)
		if lived > ttl/3 {
			t.Errorf("the function's context lived for %s, want the first renewal to end it", lived)
		}
		if diff := cmp.Diff([]string{"acquire", "renew"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]lease.EventKind{lease.Acquired, lease.Lost}, got.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestUnreachableLockerLosesTheLeaseAtTheDeadline(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(context.Context, lease.Claim) error{
		"fails at once":       always(errNetwork),
		"heeds its context":   func(ctx context.Context, _ lease.Claim) error { return wait(ctx) },
		"ignores its context": stuck(time.Hour, nil),
		"panics":              func(context.Context, lease.Claim) error { panic("broken client") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				l := fake{RenewFunc: renew}
				lived, took, _ := lose(t, keeper(&l))
				if want := ttl - ttl/5; lived != want {
					t.Errorf("the function's context lived for %s, want %s", lived, want)
				}
				if took != lived {
					t.Errorf("Do returned %s after the loss, want at once", took-lived)
				}
				if got := len(l.of("release")); got != 1 {
					t.Errorf("%d releases, want 1: the server may still hold it for us", got)
				}
			})
		})
	}
}

func TestLossNamesTheLastFailure(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, _, err := lose(t, keeper(&fake{RenewFunc: always(errNetwork)}))
		if !errors.Is(err, errNetwork) {
			t.Errorf("Do = %v, want %v in it", err, errNetwork)
		}
	})
}

func TestDeadlineCountsFromBeforeTheRequest(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{AcquireFunc: stuck(ttl/4, nil), RenewFunc: always(errNetwork)}
		if lived, _, _ := lose(t, keeper(&l)); lived != ttl-ttl/5 {
			t.Errorf("the function's context lived until %s after the acquire was sent, want %s", lived, ttl-ttl/5)
		}
	})
}

func TestDeadlineCountsFromBeforeTheRenewal(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var renewals atomic.Int64
		l := fake{RenewFunc: func(context.Context, lease.Claim) error {
			if renewals.Add(1) > 1 {
				return errNetwork
			}
			<-time.After(ttl / 6)
			return nil
		}}
		start := time.Now()
		lived, _, _ := lose(t, keeper(&l))
		sent := l.of("renew")[0].at.Sub(start)
		if lived != sent+ttl-ttl/5 {
			t.Errorf("the function's context lived for %s, want %s after the renewal was sent", lived-sent, ttl-ttl/5)
		}
	})
}

func TestLossDoesNotWaitForEvents(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		k := keeper(&fake{RenewFunc: always(errNetwork)})
		k.Events = func(ev lease.Event) {
			if ev.Kind == lease.RenewFailed {
				<-time.After(time.Hour)
			}
		}
		if lived, _, _ := lose(t, k); lived != ttl-ttl/5 {
			t.Errorf("the function's context lived for %s, want %s", lived, ttl-ttl/5)
		}
	})
}

func TestDoWaitsForTheFunctionAfterALoss(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{RenewFunc: always(lease.ErrLost)}
		finished := false
		mustDo(t, keeper(&l).Do(t.Context(), "n", func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(time.Hour)
			finished = true
			return nil
		}))
		if !finished {
			t.Error("Do returned before the function")
		}
		if got := len(l.of("renew")); got != 1 {
			t.Errorf("%d renewals, want none after the loss", got)
		}
	})
}
