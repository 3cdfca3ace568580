package testserver

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	sentinelMaster = "main"
	sentinelQuorum = 2
	sentinels      = 3
	replicas       = 2
)

// RedisSentinel is a Redis master with two replicas, watched over by three
// Sentinels.
type RedisSentinel struct {
	t                testing.TB
	nodes, sentinels []*Redis
}

// StartRedisSentinel starts all of it for one test, with options of the Sentinels,
// like "down-after-milliseconds 30000". They replace a master that is silent for
// half a second in the eyes of two of them.
func StartRedisSentinel(t testing.TB, options ...string) *RedisSentinel {
	t.Helper()
	s := &RedisSentinel{t: t}
	master := startReplicated(t)
	s.nodes = append(s.nodes, master)
	for range replicas {
		s.nodes = append(s.nodes, startReplicated(t, "--replicaof", host, master.in.port.text()))
	}
	for _, r := range s.nodes[1:] {
		r.await("follow the master", func(ctx context.Context, c *redis.Client) error {
			return says(ctx, c, "replication", "master_link_status", "up")
		})
	}
	for range sentinels { // after the replicas, which they look for every ten seconds only
		s.sentinels = append(s.sentinels, sentinelOf(master, options).start(t))
	}
	for _, sentinel := range s.sentinels {
		sentinel.await("know the others", knowsAll)
	}
	return s
}

func startReplicated(t testing.TB, args ...string) *Redis {
	t.Helper()
	return alone(slices.Concat([]string{"--repl-diskless-sync-delay", "0"}, args)...).start(t)
}

// sentinelOf is a Sentinel: the same program, with a configuration that it writes
// what it learns into.
func sentinelOf(master *Redis, options []string) redisRole {
	const file = "sentinel.conf"
	return redisRole{
		name:    "Redis Sentinel",
		args:    func(*instance) []string { return []string{file, "--sentinel"} },
		prepare: func(d *directory) error { return os.WriteFile(d.file(file), sentinelConfig(master, options), 0o600) },
	}
}

func sentinelConfig(master *Redis, options []string) []byte {
	config := fmt.Appendf(nil, "sentinel monitor %s %s %s %d\n", sentinelMaster, host, master.in.port.text(), sentinelQuorum)
	for _, option := range append([]string{
		"down-after-milliseconds 500",
		"failover-timeout 3000", // an attempt that failed is repeated after twice that
		"parallel-syncs " + strconv.Itoa(replicas),
	}, options...) {
		key, value, _ := strings.Cut(option, " ")
		config = fmt.Appendf(config, "sentinel %s %s %s\n", key, sentinelMaster, value)
	}
	return config
}

// SentinelAddrs returns the addresses of the Sentinels.
func (s *RedisSentinel) SentinelAddrs() []string { return addrs(s.sentinels) }

// Sentinels returns the Sentinels.
func (s *RedisSentinel) Sentinels() []*Redis { return slices.Clone(s.sentinels) }

// Nodes returns the servers that hold data, the first master first.
func (s *RedisSentinel) Nodes() []*Redis { return slices.Clone(s.nodes) }

// MasterName returns what the Sentinels call the master.
func (*RedisSentinel) MasterName() string { return sentinelMaster }

// Master returns the server that the Sentinels agree on. It waits until they do.
func (s *RedisSentinel) Master() *Redis {
	s.t.Helper()
	return s.AwaitFailover(nil)
}

// Failover kills the master, waits until the Sentinels agree on another one, and
// returns both. Start brings the first back: empty, and after some seconds as a
// replica of the other.
func (s *RedisSentinel) Failover() (from, to *Redis) {
	s.t.Helper()
	from = s.Master()
	from.Kill()
	return from, s.AwaitFailover(from)
}
