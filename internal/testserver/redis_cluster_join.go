package testserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// join makes a Cluster of servers that do not know each other: the first half
// shares the slots, each of the second half follows one of the first.
func (c *RedisCluster) join(ctx context.Context) error {
	ids := make([]string, clusterMasters)
	for i, n := range c.nodes {
		err := talk(n.in, func(rdb *redis.Client) (err error) {
			// Different epochs from the start: the nodes need not find out who was first.
			err = rdb.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err()
			if err != nil || i >= clusterMasters {
				return err
			}
			first, end := clusterSlots*i/clusterMasters, clusterSlots*(i+1)/clusterMasters
			if err := rdb.ClusterAddSlotsRange(ctx, first, end-1).Err(); err != nil {
				return err
			}
			ids[i], err = rdb.Do(ctx, "CLUSTER", "MYID").Text()
			return err
		})
		if err != nil {
			return fmt.Errorf("set up node %d: %w", i, err)
		}
	}
	return errors.Join(c.meet(ctx), c.follow(ctx, ids), c.each(ctx, settled))
}

// meet introduces the first node to all others, and waits until all know all.
func (c *RedisCluster) meet(ctx context.Context) error {
	err := talk(c.nodes[0].in, func(rdb *redis.Client) error {
		for _, n := range c.nodes[1:] {
			number := n.in.port.number
			if err := rdb.Do(ctx, "CLUSTER", "MEET", host, number, number+busOffset).Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("introduce the nodes: %w", err)
	}
	return c.each(ctx, func(ctx context.Context, rdb *redis.Client) error {
		return lists(ctx, rdb, "connected", clusterNodes)
	})
}

// follow makes replicas of the second half of the nodes.
func (c *RedisCluster) follow(ctx context.Context, ids []string) error {
	for i, n := range c.nodes[clusterMasters:] {
		err := talk(n.in, func(rdb *redis.Client) error { return rdb.ClusterReplicate(ctx, ids[i]).Err() })
		if err != nil {
			return fmt.Errorf("make replica %d: %w", i, err)
		}
	}
	return nil
}

// settled returns nil if a node serves, knows of all replicas, and has received
// everything if it is one itself.
func settled(ctx context.Context, rdb *redis.Client) error {
	if err := errors.Join(isOK(ctx, rdb), lists(ctx, rdb, "slave", clusterMasters)); err != nil {
		return err
	}
	role, err := rdb.Do(ctx, "ROLE").Slice()
	if err != nil || len(role) == 0 || role[0] != "slave" {
		return err
	}
	return says(ctx, rdb, "replication", "master_link_status", "up")
}

// lists returns nil if a node knows so many nodes of which a word can be said.
func lists(ctx context.Context, rdb *redis.Client, word string, want int) error {
	nodes, err := rdb.ClusterNodes(ctx).Result()
	if err != nil {
		return err
	}
	got := 0
	for line := range strings.Lines(nodes) {
		if strings.Contains(line, word) && !strings.Contains(line, "handshake") {
			got++
		}
	}
	if got != want {
		return errors.New(strconv.Itoa(got) + " of " + strconv.Itoa(want) + " nodes are " + word + ":\n" + nodes)
	}
	return nil
}

// each waits until a condition holds for every node.
func (c *RedisCluster) each(ctx context.Context, holds func(context.Context, *redis.Client) error) error {
	for i, n := range c.nodes {
		err := until(ctx, func(ctx context.Context) error {
			return talk(n.in, func(rdb *redis.Client) error { return holds(ctx, rdb) })
		})
		if err != nil {
			return fmt.Errorf("wait for node %d: %w", i, err)
		}
	}
	return nil
}
