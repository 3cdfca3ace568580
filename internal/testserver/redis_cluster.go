package testserver

import (
	"slices"
	"strconv"
	"testing"
)

const (
	clusterMasters = 3
	clusterNodes   = 2 * clusterMasters
	clusterSlots   = 16384
)

// RedisCluster is a Redis Cluster of three masters with a replica each.
type RedisCluster struct {
	t     testing.TB
	nodes []*Redis
}

// StartRedisCluster starts a Cluster for one test, with more arguments for its
// servers, which win over those that it has anyway. A master that is silent for a
// second (--cluster-node-timeout, in milliseconds) is replaced by its replica,
// however little that knows.
func StartRedisCluster(t testing.TB, args ...string) *RedisCluster {
	t.Helper()
	c := &RedisCluster{t: t}
	for range clusterNodes {
		c.nodes = append(c.nodes, clusterNode(args).start(t))
	}
	c.nodes[0].ask(t, "join a Redis Cluster", c.join)
	return c
}

// clusterNode is a server that waits to be joined with others.
func clusterNode(args []string) redisRole {
	node := alone()
	node.name = "Redis of a Cluster"
	node.args = func(in *instance) []string {
		return slices.Concat(alone().args(in), []string{
			"--cluster-enabled", "yes",
			"--cluster-port", strconv.Itoa(in.port.number + busOffset),
			"--cluster-node-timeout", "1000",
			"--cluster-replica-validity-factor", "0", // a replica is never too old
			"--repl-diskless-sync-delay", "0",
		}, args)
	}
	return node
}

// Nodes returns all servers, the first masters first.
func (c *RedisCluster) Nodes() []*Redis { return slices.Clone(c.nodes) }

// Addrs returns the addresses of all servers.
func (c *RedisCluster) Addrs() []string { return addrs(c.nodes) }

// MasterOf returns the server that holds a key: the one that the servers which
// answer agree on. It waits until they do.
func (c *RedisCluster) MasterOf(key string) *Redis {
	c.t.Helper()
	return c.AwaitFailover(key, nil)
}

// Failover kills the server that holds a key, waits until its replica does, and
// returns both. Start brings the first back, as an empty replica of the other.
func (c *RedisCluster) Failover(key string) (from, to *Redis) {
	c.t.Helper()
	from = c.MasterOf(key)
	from.Kill()
	return from, c.AwaitFailover(key, from)
}
