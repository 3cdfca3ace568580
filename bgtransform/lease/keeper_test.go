package lease_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func TestValidateNamesTheSetting(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keeper lease.Keeper
		want   string
	}{
		"no locker":     {lease.Keeper{Holder: "a"}, "Keeper.Locker is nil"},
		"no holder":     {lease.Keeper{Locker: new(fake)}, "Keeper.Holder is empty"},
		"ttl too short": {lease.Keeper{Locker: new(fake), Holder: "a", TTL: 99 * time.Millisecond}, "Keeper.TTL is 99ms"},
		"ttl negative":  {lease.Keeper{Locker: new(fake), Holder: "a", TTL: -time.Second}, "Keeper.TTL is -1s"},
		"name is empty": {lease.Keeper{Locker: new(fake), Holder: "a"}, "name of a lease is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.keeper.Do(t.Context(), "", func(context.Context) error {
				t.Error("the function ran")
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Do = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestDoHoldsTheLeaseWhileTheFunctionRuns(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		want := errors.New("the function's own")
		err := keeper(&l).Do(t.Context(), "n", func(ctx context.Context) error {
			if diff := cmp.Diff([]string{"acquire"}, l.methods()); diff != "" {
				t.Errorf("calls before the function (-want +got):\n%s", diff)
			}
			return want
		})
		if err != want { //nolint:errorlint // it has to be the very error
			t.Errorf("Do = %v, want %v", err, want)
		}
		if diff := cmp.Diff([]string{"acquire", "release"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestEveryDoIsATermOfItsOwn(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		k := keeper(&l)
		for range 2 {
			mustDo(t, k.Do(t.Context(), "n", work(ttl/2)))
		}
		first, second := l.calls[0].claim, l.calls[len(l.calls)-1].claim
		if first.Term == "" || first.Term == second.Term {
			t.Errorf("terms %q and %q, want two different ones", first.Term, second.Term)
		}
		for _, c := range l.calls[:len(l.calls)/2] {
			if diff := cmp.Diff(lease.Claim{Name: "n", Holder: "host-1", Term: first.Term, TTL: ttl}, c.claim); diff != "" {
				t.Errorf("claim of %s (-want +got):\n%s", c.method, diff)
			}
		}
	})
}

func TestDefaultTTL(t *testing.T) {
	t.Parallel()
	var l fake
	k := lease.Keeper{Locker: &l, Holder: "a"}
	mustDo(t, k.Do(t.Context(), "n", func(context.Context) error { return nil }))
	if got := l.calls[0].claim.TTL; got != lease.DefaultTTL {
		t.Errorf("TTL = %s, want %s", got, lease.DefaultTTL)
	}
}

func TestHeldLeaseIsNotTouched(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		held := &lease.HeldError{Name: "n", Holder: "host-2", Remaining: 3 * time.Second}
		l := fake{AcquireFunc: always(held)}
		err := keeper(&l).Do(t.Context(), "n", func(context.Context) error {
			t.Error("the function ran without the lease")
			return nil
		})
		if got, ok := errors.AsType[*lease.HeldError](err); !ok || got != held || !errors.Is(err, lease.ErrHeld) {
			t.Errorf("Do = %v, want the locker's *HeldError", err)
		}
		if diff := cmp.Diff([]string{"acquire"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestHeldErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*lease.HeldError{
		`lease "n" is held`: {Name: "n"},
		`lease "n" is held by "host-2", free in 3s unless renewed`: {Name: "n", Holder: "host-2", Remaining: 3 * time.Second},
	} {
		if got := err.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}

func TestCallerCancels(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		shutdown := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(ttl, func() { cancel(shutdown) })
		err := keeper(&l).Do(ctx, "n", func(ctx context.Context) error {
			<-ctx.Done()
			if got := context.Cause(ctx); got != shutdown { //nolint:errorlint // it has to be the very cause
				t.Errorf("cause = %v, want %v", got, shutdown)
			}
			<-time.After(2 * ttl) // the last checkpoint takes its time
			if err := lease.Trusted(context.WithoutCancel(ctx)); err != nil {
				t.Errorf("Trusted during the grace = %v, want nil", err)
			}
			return ctx.Err()
		})
		if !errors.Is(err, shutdown) || !errors.Is(err, context.Canceled) {
			t.Errorf("Do = %v, want the function's error and its cause", err)
		}
		if got := len(l.of("renew")); got < 8 {
			t.Errorf("%d renewals in three TTLs, want them to go on after the cancel", got)
		}
		if got := len(l.of("release")); got != 1 {
			t.Errorf("%d releases, want 1", got)
		}
	})
}

func TestDeadlineOfTheFunctionsOwnIsLeftAlone(t *testing.T) {
	t.Parallel()
	err := keeper(new(fake)).Do(t.Context(), "n", func(context.Context) error { return context.DeadlineExceeded })
	if err != context.DeadlineExceeded { //nolint:errorlint // it has to be the very error
		t.Errorf("Do = %v, want %v", err, context.DeadlineExceeded)
	}
}
