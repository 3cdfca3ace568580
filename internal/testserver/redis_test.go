package testserver_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func client(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func set(t *testing.T, c redis.Cmdable, key string) {
	t.Helper()
	if err := c.Set(t.Context(), key, "value", 0).Err(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}

// has reports whether a key is there.
func has(t *testing.T, c redis.Cmdable, key string) bool {
	t.Helper()
	n, err := c.Exists(t.Context(), key).Result()
	if err != nil {
		t.Fatalf("EXISTS %s: %v", key, err)
	}
	return n == 1
}

func TestRedisComesBackEmpty(t *testing.T) {
	t.Parallel()
	server := timed(t, "start", func() *testserver.Redis { return testserver.StartRedis(t) })
	for what, end := range map[string]func(){"kill": server.Kill, "stop": server.Stop} {
		set(t, client(t, server.Addr()), "k")
		end()
		if err := client(t, server.Addr()).Ping(t.Context()).Err(); err == nil {
			t.Errorf("the server answers after %s", what)
		}
		server.Start()
		if has(t, client(t, server.Addr()), "k") {
			t.Errorf("the key is still there after %s", what)
		}
	}
}

func TestRedisArguments(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	set(t, client(t, server.Addr()), "k")
	server.Kill()
	server.Start()
	if !has(t, client(t, server.Addr()), "k") {
		t.Error("the key is gone, though the server was told to keep it")
	}
}

// TestRedisWithMuchToRead starts a server again that needs a while for its data: a
// test that goes on before that is told LOADING.
func TestRedisWithMuchToRead(t *testing.T) {
	t.Parallel()
	const keys = 5_000
	server := testserver.StartRedis(t, "--appendonly", "yes", "--key-load-delay", "50")
	_, err := client(t, server.Addr()).Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for n := range keys {
			p.Set(t.Context(), strconv.Itoa(n), n, 0)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("write %d keys: %v", keys, err)
	}
	server.Stop()
	server.Start()
	if n, err := client(t, server.Addr()).DBSize(t.Context()).Result(); err != nil || n != keys {
		t.Errorf("%d keys right after the start, %v, want %d", n, err, keys)
	}
}

func TestFrozenRedis(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	c := client(t, server.Addr())
	set(t, c, "k")
	server.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Ping(ctx).Err()
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("a frozen server: %v, want a timeout", err)
	}
	server.Thaw()
	if !has(t, c, "k") {
		t.Error("the key is gone after a thaw")
	}
}

// TestEndFrozen leaves servers frozen; they have to end all the same.
func TestEndFrozen(t *testing.T) {
	t.Parallel()
	testserver.StartRedis(t).Freeze()
	testserver.StartPostgres(t).Freeze()
	stopped := testserver.StartPostgres(t)
	stopped.Freeze()
	stopped.Stop()
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	cluster := timed(t, "start", func() *testserver.RedisCluster { return testserver.StartRedisCluster(t) })
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()})
	t.Cleanup(func() { _ = rdb.Close() })
	set(t, rdb, "k")
	master := cluster.MasterOf("k")
	master.AwaitReplicas()
	master.CutReplicas()
	set(t, rdb, "{k}late")

	type pair struct{ from, to *testserver.Redis }
	failover := timed(t, "failover", func() pair {
		from, to := cluster.Failover("k")
		return pair{from, to}
	})
	if failover.from != master || failover.to == master {
		t.Errorf("failed over from %s to %s, want from %s", failover.from.Addr(), failover.to.Addr(), master.Addr())
	}
	c := client(t, failover.to.Addr())
	if !has(t, c, "k") || has(t, c, "{k}late") {
		t.Error("the new master does not have just what it had received")
	}
	master.Start()
	failover.to.AwaitReplicas()
	if _, again := cluster.Failover("k"); again != master {
		t.Errorf("the second failover is to %s, want back to %s", again.Addr(), master.Addr())
	}
}

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	sentinel := timed(t, "start", func() *testserver.RedisSentinel { return testserver.StartRedisSentinel(t) })
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: sentinel.MasterName(), SentinelAddrs: sentinel.SentinelAddrs()})
	t.Cleanup(func() { _ = rdb.Close() })
	set(t, rdb, "k")
	master := sentinel.Master()
	master.AwaitReplicas()
	master.CutReplicas()
	set(t, rdb, "late")

	to := timed(t, "failover", func() *testserver.Redis {
		master.Freeze()
		return sentinel.AwaitFailover(master)
	})
	c := client(t, to.Addr())
	if !has(t, c, "k") || has(t, c, "late") {
		t.Error("the new master does not have just what it had received")
	}
	master.Thaw()
	if from, again := sentinel.Failover(); from != to || again == to {
		t.Errorf("failed over from %s to %s, want from %s", from.Addr(), again.Addr(), to.Addr())
	}
}
