package redislease_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// What New takes, of the clients that reach the three kinds of deployments.
var (
	_ = func(c *redis.Client) lease.Locker { return redislease.New(c) } // also Sentinel's
	_ = func(c *redis.ClusterClient) lease.Locker { return redislease.New(c) }
	_ = func(c redis.UniversalClient) lease.Locker { return redislease.New(c) }
)

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

// TestConformance takes two clients of each deployment: the one made for it, and
// the universal one, which chooses by its options.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("on a single server", func(t *testing.T) {
		t.Parallel()
		addr := testserver.SharedRedis(t).Addr()
		conform(t,
			func() redis.UniversalClient { return redis.NewClient(&redis.Options{Addr: addr}) },
			&redis.UniversalOptions{Addrs: []string{addr}})
	})
	t.Run("on a Cluster", func(t *testing.T) {
		t.Parallel()
		addrs := testserver.StartRedisCluster(t, "--cluster-node-timeout", "30000").Addrs()
		t.Run("reading from masters", func(t *testing.T) {
			t.Parallel()
			conform(t,
				func() redis.UniversalClient { return redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs}) },
				&redis.UniversalOptions{Addrs: addrs})
		})
		t.Run("reading from replicas", func(t *testing.T) {
			t.Parallel()
			// Not by latency: go-redis v9.23.0 pings a new node before it has finished
			// making its client, which is a race of its own.
			conform(t,
				func() redis.UniversalClient {
					return redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, RouteRandomly: true})
				},
				&redis.UniversalOptions{Addrs: addrs, ReadOnly: true, RouteRandomly: true})
		})
	})
	t.Run("under Sentinel", func(t *testing.T) {
		t.Parallel()
		s := testserver.StartRedisSentinel(t, "down-after-milliseconds 30000")
		conform(t,
			func() redis.UniversalClient {
				return redis.NewFailoverClient(&redis.FailoverOptions{MasterName: s.MasterName(), SentinelAddrs: s.SentinelAddrs()})
			},
			&redis.UniversalOptions{MasterName: s.MasterName(), Addrs: s.SentinelAddrs()})
	})
}

func conform(t *testing.T, special func() redis.UniversalClient, universal *redis.UniversalOptions) {
	t.Helper()
	leasetest.Run(t, leasetest.Options{New: func(t *testing.T) (lease.Locker, lease.Locker) {
		t.Helper()
		return redislease.New(closed(t, special())), redislease.New(closed(t, redis.NewUniversalClient(universal)))
	}})
}
