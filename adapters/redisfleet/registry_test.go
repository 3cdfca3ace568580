package redisfleet_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/bgtransform/sidecar/adapters/redisfleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// closed has a client closed when the test ends.
func closed[C interface{ Close() error }](t *testing.T, c C) C {
	t.Helper()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return c
}

func newMini(t *testing.T) *miniredis.Miniredis {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	t.Cleanup(m.Close)
	return m
}

func miniClient(t *testing.T, m *miniredis.Miniredis) *redis.Client {
	t.Helper()
	return closed(t, redis.NewClient(&redis.Options{
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}))
}

func TestConformanceOnMiniredis(t *testing.T) {
	t.Parallel()
	for name, bubble := range map[string]bool{"in virtual time": true, "in real time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fleettest.Run(t, fleettest.Options{Bubble: bubble, New: func(t *testing.T) (fleet.Registry, fleet.Registry) {
				t.Helper()
				m := newMini(t)
				return redisfleet.New(miniClient(t, m)), redisfleet.New(miniClient(t, m))
			}})
		})
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("on a single server", func(t *testing.T) {
		t.Parallel()
		addr := testserver.SharedRedis(t).Addr()
		client := func() redis.UniversalClient { return redis.NewClient(&redis.Options{Addr: addr}) }
		conform(t, client)
	})
	t.Run("on a Cluster", func(t *testing.T) {
		t.Parallel()
		addrs := testserver.StartRedisCluster(t, "--cluster-node-timeout", "30000").Addrs()
		conform(t, func() redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, RouteRandomly: true})
		})
	})
}

func conform(t *testing.T, client func() redis.UniversalClient) {
	t.Helper()
	fleettest.Run(t, fleettest.Options{New: func(t *testing.T) (fleet.Registry, fleet.Registry) {
		t.Helper()
		return redisfleet.New(closed(t, client())), redisfleet.New(closed(t, client()))
	}})
}

// A pool whose instances come and go without end does not fill Redis, and one that has
// ended leaves nothing for ever.
func TestForgets(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]func(t *testing.T) *redis.Client{
		"miniredis": func(t *testing.T) *redis.Client { return miniClient(t, newMini(t)) },
		"redis": func(t *testing.T) *redis.Client {
			return closed(t, redis.NewClient(&redis.Options{Addr: testserver.SharedRedis(t).Addr()}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := client(t)
			r := redisfleet.New(rdb, redisfleet.WithPrefix(t.Name()+":"))
			for i := range 105 {
				m := fleet.Member{Instance: "crash", Term: fmt.Sprint("t", i)}
				if err := r.Announce(t.Context(), m, time.Hour); err != nil {
					t.Fatal(err)
				}
				if err := r.Leave(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Announce(t.Context(), fleet.Member{Instance: "web-1", Term: "live"}, time.Hour); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"said", "times"} {
				key = t.Name() + ":{fleet}:" + key
				if n, err := rdb.HLen(t.Context(), key).Result(); err != nil || n != 101 {
					t.Errorf("%s has %d fields (%v), want 101", key, n, err)
				}
				if left, err := rdb.PTTL(t.Context(), key).Result(); err != nil || left < fleet.Retention || left > fleet.Retention+time.Hour {
					t.Errorf("%s expires in %s (%v), want the retention and what is announced", key, left, err)
				}
			}
		})
	}
}
