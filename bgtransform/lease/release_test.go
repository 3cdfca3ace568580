package lease_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func TestPanicReleasesAndPassesThrough(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want the function's panic", got)
			}
			checkEnded(t, &l)
		}()
		_ = keeper(&l).Do(t.Context(), "n", func(context.Context) error { panic("boom") })
	})
}

func TestGoexitReleases(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = keeper(&l).Do(t.Context(), "n", func(context.Context) error {
				runtime.Goexit()
				return nil
			})
		}()
		<-done
		checkEnded(t, &l)
	})
}

func TestNothingIsSentAfterReturn(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		mustDo(t, keeper(&l).Do(t.Context(), "n", func(context.Context) error { return nil }))
		checkEnded(t, &l)
	})
}

// checkEnded checks that the lease was released, and that nothing follows.
func checkEnded(t *testing.T, l *fake) {
	t.Helper()
	<-time.After(10 * ttl)
	synctest.Wait()
	if diff := cmp.Diff([]string{"acquire", "release"}, l.methods()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestReleaseOutlivesTheCallersContext(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{ReleaseFunc: func(ctx context.Context, _ lease.Claim) error { return ctx.Err() }}
		var got events
		k := keeper(&l)
		k.Events = got.add
		ctx, cancel := context.WithCancel(t.Context())
		_ = k.Do(ctx, "n", func(ctx context.Context) error {
			cancel()
			return wait(ctx)
		})
		if diff := cmp.Diff([]lease.EventKind{lease.Acquired, lease.Released}, got.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestStuckReleaseDelaysReturnByABoundedTime(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{ReleaseFunc: stuck(time.Hour, nil)}
		var got events
		k := keeper(&l)
		k.Events = got.add
		start := time.Now()
		mustDo(t, k.Do(t.Context(), "n", func(context.Context) error { return nil }))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("Do returned after %s, want at most 2s", took)
		}
		if diff := cmp.Diff([]lease.EventKind{lease.Acquired, lease.ReleaseFailed}, got.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestStuckRenewalDoesNotDelayReturn(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{RenewFunc: stuck(time.Hour, nil)}
		var got events
		k := keeper(&l)
		k.Events = got.add
		start := time.Now()
		mustDo(t, k.Do(t.Context(), "n", work(ttl/3+time.Second)))
		if took := time.Since(start); took != ttl/3+time.Second {
			t.Errorf("Do returned after %s, want %s", took, ttl/3+time.Second)
		}
		if diff := cmp.Diff([]string{"acquire", "renew", "release"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]lease.EventKind{lease.Acquired, lease.Released}, got.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
