package lease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func mustNotTrust(t *testing.T, ctx context.Context) {
	t.Helper()
	if err := lease.Trusted(ctx); !errors.Is(err, lease.ErrLost) {
		t.Errorf("Trusted = %v, want an error that is lease.ErrLost", err)
	}
}

func TestTrustedWithoutALease(t *testing.T) {
	t.Parallel()
	mustNotTrust(t, t.Context())
}

func TestTrustedEndsWithDo(t *testing.T) {
	t.Parallel()
	var leaked context.Context
	mustDo(t, keeper(new(fake)).Do(t.Context(), "n", func(ctx context.Context) error {
		leaked = context.WithoutCancel(ctx)
		return lease.Trusted(leaked)
	}))
	mustNotTrust(t, leaked)
}

// TestTrustedAtTheDeadline asks at the very moment of the deadline, when the loss
// timer may not have run yet, as after a process was frozen.
func TestTrustedAtTheDeadline(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		k := keeper(&fake{RenewFunc: always(errNetwork)})
		start := time.Now()
		err := k.Do(t.Context(), "n", func(ctx context.Context) error {
			<-time.After(ttl - ttl/5 - 1)
			if err := lease.Trusted(ctx); err != nil {
				t.Errorf("Trusted just before the deadline = %v, want nil", err)
			}
			for time.Since(start) < ttl-ttl/5 {
				<-time.After(1)
			}
			mustNotTrust(t, ctx)
			if ctx.Err() == nil {
				t.Error("the context is alive after Trusted said lost")
			}
			return nil
		})
		mustDo(t, err)
	})
}

func TestTrustOnceLostIsNotRegained(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{RenewFunc: stuck(ttl/2, nil)} // each would succeed, but too late
		_ = keeper(&l).Do(t.Context(), "n", func(ctx context.Context) error {
			<-time.After(10 * ttl)
			mustNotTrust(t, ctx)
			return nil
		})
	})
}

func TestIsLocal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		locker lease.Locker
		want   bool
	}{
		"does not say": {new(fake), false},
		"says no":      {localFake{local: false}, false},
		"says yes":     {localFake{local: true}, true},
		"no locker":    {nil, false},
	} {
		if got := lease.IsLocal(tt.locker); got != tt.want {
			t.Errorf("%s: IsLocal = %t, want %t", name, got, tt.want)
		}
	}
}

type localFake struct {
	*fake

	local bool
}

func (l localFake) Local() bool { return l.local }
