package embedded_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/bgtransform/sidecar/adapters/embedded"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *embedded.Redis {
	t.Helper()
	r := embedded.New()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return r
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, bubble := range map[string]bool{"in virtual time": true, "in real time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leasetest.Run(t, leasetest.Options{Bubble: bubble, New: func(t *testing.T) (lease.Locker, lease.Locker) {
				t.Helper()
				r := start(t)
				return r, r
			}})
		})
	}
}

// TestClockMoves has a lease expire, and a key of the application's, without
// anybody moving the clock by hand.
func TestClockMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		c := lease.Claim{Name: "n", Holder: "a", Term: "1", TTL: time.Hour}
		if err := r.Acquire(t.Context(), c); err != nil {
			t.Fatalf("Acquire = %v, want nil", err)
		}
		if err := r.Client().Set(t.Context(), "key", "value", time.Hour).Err(); err != nil {
			t.Fatalf("Set = %v, want nil", err)
		}
		<-time.After(time.Hour - time.Second)
		if got := r.Client().PTTL(t.Context(), "key").Val(); got != time.Second {
			t.Errorf("%s left, want %s", got, time.Second)
		}
		<-time.After(time.Second)
		if err := r.Client().Get(t.Context(), "key").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("Get of an expired key = %v, want redis.Nil", err)
		}
		if err := r.Renew(t.Context(), c); !errors.Is(err, lease.ErrLost) {
			t.Errorf("Renew of an expired lease = %v, want lease.ErrLost", err)
		}
	})
}

func TestIsLocal(t *testing.T) {
	t.Parallel()
	if !lease.IsLocal(start(t)) {
		t.Error("IsLocal = false, want true: nobody else sees these leases")
	}
}

// TestTwoDoNotExcludeEachOther pins down what the documentation warns of.
func TestTwoDoNotExcludeEachOther(t *testing.T) {
	t.Parallel()
	for i, r := range []*embedded.Redis{start(t), start(t)} {
		c := lease.Claim{Name: "n", Holder: "a", Term: string(rune('1' + i)), TTL: time.Minute}
		if err := r.Acquire(t.Context(), c); err != nil {
			t.Errorf("Acquire on its own Redis = %v, want nil", err)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]bool{"never used": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := embedded.New()
			if use {
				if err := r.Client().Ping(t.Context()).Err(); err != nil {
					t.Fatalf("Ping = %v, want nil", err)
				}
			}
			for range 2 {
				if err := r.Close(); err != nil {
					t.Errorf("Close = %v, want nil", err)
				}
			}
			if err := r.Client().Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
				t.Errorf("Ping after Close = %v, want redis.ErrClosed", err)
			}
			c := lease.Claim{Name: "n", Holder: "a", Term: "1", TTL: time.Minute}
			if err := r.Acquire(t.Context(), c); !errors.Is(err, redis.ErrClosed) {
				t.Errorf("Acquire after Close = %v, want redis.ErrClosed", err)
			}
		})
	}
}

func TestCloseConcurrentSafe(t *testing.T) {
	t.Parallel()
	r := embedded.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for r.Client().Ping(t.Context()).Err() == nil {
				continue
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			if err := r.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
		})
	}
	wg.Wait()
}
