package testserver

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// AwaitFailover waits until another server than from, which was frozen or cut off,
// holds the key, and returns it.
func (c *RedisCluster) AwaitFailover(key string, from *Redis) *Redis {
	c.t.Helper()
	var master *Redis
	c.nodes[0].ask(c.t, "find the master of "+key, func(ctx context.Context) error {
		return until(ctx, func(ctx context.Context) (err error) {
			master, err = c.agreed(ctx, key, from)
			return err
		})
	})
	return master
}

// agreed returns the server that holds the key in the eyes of all that are up, but
// for gone.
func (c *RedisCluster) agreed(ctx context.Context, key string, gone *Redis) (*Redis, error) {
	var masters []string
	for _, n := range c.nodes {
		if n == gone || !n.in.alive() {
			continue
		}
		master, err := masterInTheEyesOf(ctx, n.in, key)
		if err != nil {
			return nil, err
		}
		masters = append(masters, master)
	}
	return agreement(c.nodes, masters, gone)
}

// masterInTheEyesOf returns the address of the server that an instance would send
// the clients of a key to.
func masterInTheEyesOf(ctx context.Context, in *instance, key string) (addr string, err error) {
	err = talk(in, func(c *redis.Client) error {
		slot, err := c.ClusterKeySlot(ctx, key).Result()
		if err != nil {
			return err
		}
		shards, err := c.ClusterShards(ctx).Result()
		if err != nil {
			return err
		}
		addr = masterIn(shards, slot)
		return isOK(ctx, c)
	})
	return addr, err
}

// masterIn returns the address of the master that holds a slot, "" if none does.
func masterIn(shards []redis.ClusterShard, slot int64) string {
	for _, shard := range shards {
		holds := func(r redis.SlotRange) bool { return r.Start <= slot && slot <= r.End }
		if !slices.ContainsFunc(shard.Slots, holds) {
			continue
		}
		for _, n := range shard.Nodes {
			if n.Role == "master" && n.Health == "online" {
				return port{number: int(n.Port)}.addr()
			}
		}
	}
	return ""
}

// isOK returns nil if a server of a Cluster would serve every key.
func isOK(ctx context.Context, c *redis.Client) error {
	info, err := c.ClusterInfo(ctx).Result()
	if err == nil && field(info, "cluster_state") != "ok" {
		return fmt.Errorf("the Cluster is not in order:\n%s", info)
	}
	return err
}
