package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func never(t *testing.T) func(context.Context) error {
	return func(context.Context) error {
		t.Error("the function ran")
		return nil
	}
}

func TestUnknownAcquireIsReleased(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{AcquireFunc: always(errNetwork)}
		err := keeper(&l).Do(t.Context(), "n", never(t))
		if !errors.Is(err, errNetwork) || errors.Is(err, lease.ErrHeld) {
			t.Errorf("Do = %v, want %v", err, errNetwork)
		}
		if diff := cmp.Diff([]string{"acquire", "release"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if a, r := l.calls[0].claim, l.calls[1].claim; a != r {
			t.Errorf("released %v, want the claim of the acquire, %v", r, a)
		}
	})
}

func TestContextEndedBeforeDo(t *testing.T) {
	t.Parallel()
	var l fake
	shutdown := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(shutdown)
	if err := keeper(&l).Do(ctx, "n", never(t)); !errors.Is(err, shutdown) {
		t.Errorf("Do = %v, want %v", err, shutdown)
	}
	if len(l.calls) != 0 {
		t.Errorf("calls %v, want none", l.methods())
	}
}

func TestContextEndsDuringAcquire(t *testing.T) {
	t.Parallel()
	for name, acquire := range map[string]func(context.Context, lease.Claim) error{
		"locker fails": func(ctx context.Context, _ lease.Claim) error { return wait(ctx) },
		"locker wins":  stuck(1100*time.Millisecond, nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				l := fake{AcquireFunc: acquire}
				shutdown := errors.New("shutting down")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(shutdown) })
				if err := keeper(&l).Do(ctx, "n", never(t)); !errors.Is(err, shutdown) {
					t.Errorf("Do = %v, want %v", err, shutdown)
				}
				if diff := cmp.Diff([]string{"acquire", "release"}, l.methods()); diff != "" {
					t.Errorf("calls before Do returned (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestStuckAcquireIsAbandonedAndReleasedLater(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{AcquireFunc: stuck(time.Hour, nil)}
		start := time.Now()
		err := keeper(&l).Do(t.Context(), "n", never(t))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do = %v, want context.DeadlineExceeded", err)
		}
		if took := time.Since(start); took > ttl/2 {
			t.Errorf("Do returned after %s, want at most %s", took, ttl/2)
		}
		if diff := cmp.Diff([]string{"acquire"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"acquire", "release"}, l.methods()); diff != "" {
			t.Errorf("calls after the acquire came back (-want +got):\n%s", diff)
		}
	})
}

func TestStuckAcquireThatWasRefusedIsNotReleased(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{AcquireFunc: stuck(time.Hour, lease.ErrHeld)}
		_ = keeper(&l).Do(t.Context(), "n", never(t))
		<-time.After(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"acquire"}, l.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestPanickingLockerIsAnError(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{AcquireFunc: func(context.Context, lease.Claim) error { panic("broken client") }}
		if err := keeper(&l).Do(t.Context(), "n", never(t)); err == nil {
			t.Error("Do = nil, want the panic as an error")
		}
	})
}
