package redislease_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

// What New takes, of the clients that reach the three kinds of deployments.
var (
	_ = func(c *redis.Client) lease.Locker { return redislease.New(c) } // also Sentinel's
	_ = func(c *redis.ClusterClient) lease.Locker { return redislease.New(c) }
	_ = func(c redis.UniversalClient) lease.Locker { return redislease.New(c) }
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformanceOnMiniredis(t *testing.T) {
	t.Parallel()
	for name, bubble := range map[string]bool{"in virtual time": true, "in real time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leasetest.Run(t, leasetest.Options{Bubble: bubble, New: func(t *testing.T) (lease.Locker, lease.Locker) {
				t.Helper()
				m := newMini(t)
				return redislease.New(m.client(t)), redislease.New(m.client(t))
			}})
		})
	}
}

func TestConformanceOnRedis(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	leasetest.Run(t, leasetest.Options{New: func(t *testing.T) (lease.Locker, lease.Locker) {
		t.Helper()
		return redislease.New(server.client(t)), redislease.New(server.client(t))
	}})
}
