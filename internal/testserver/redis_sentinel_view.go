package testserver

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// AwaitFailover waits until the Sentinels have made another server than from, which
// was frozen or cut off, the master, and returns it.
func (s *RedisSentinel) AwaitFailover(from *Redis) *Redis {
	s.t.Helper()
	var master *Redis
	s.nodes[0].ask(s.t, "find the master", func(ctx context.Context) error {
		return until(ctx, func(ctx context.Context) (err error) {
			master, err = s.agreed(ctx, from)
			return err
		})
	})
	return master
}

// agreed returns the server that all Sentinels which are up take for the master,
// and that takes itself for it.
func (s *RedisSentinel) agreed(ctx context.Context, gone *Redis) (*Redis, error) {
	var masters []string
	for _, sentinel := range s.sentinels {
		if !sentinel.in.alive() {
			continue
		}
		var state map[string]string
		err := talk(sentinel.in, func(c *redis.Client) (err error) {
			state, err = sentinelState(ctx, c)
			return err
		})
		if err != nil {
			return nil, err
		}
		masters = append(masters, state["ip"]+":"+state["port"])
	}
	master, err := agreement(s.nodes, masters, gone)
	if err != nil {
		return nil, err
	}
	return master, talk(master.in, func(c *redis.Client) error {
		return says(ctx, c, "replication", "role", "master")
	})
}

// knowsAll returns nil if a Sentinel could take part in a failover.
func knowsAll(ctx context.Context, c *redis.Client) error {
	state, err := sentinelState(ctx, c)
	if err != nil {
		return err
	}
	want := map[string]string{"flags": "master", "num-slaves": strconv.Itoa(replicas), "num-other-sentinels": strconv.Itoa(sentinels - 1)}
	for key, value := range want {
		if state[key] != value {
			return fmt.Errorf("%s is %q, not %q yet", key, state[key], value)
		}
	}
	return nil
}

// sentinelState returns what a Sentinel knows of the master.
func sentinelState(ctx context.Context, c *redis.Client) (map[string]string, error) {
	pairs, err := c.Do(ctx, "SENTINEL", "MASTER", sentinelMaster).StringSlice()
	state := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		state[pair[0]] = pair[len(pair)-1]
	}
	return state, err
}
