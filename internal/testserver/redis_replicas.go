package testserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// CutReplicas keeps from the replicas of this server, as long as it lives, whatever
// is written to it from now on. A failover to one of them loses that.
func (r *Redis) CutReplicas() {
	r.t.Helper()
	r.ask(r.t, "cut off the replicas", func(ctx context.Context) error {
		return talk(r.in, func(c *redis.Client) error {
			// Those who are cut off connect again at once, and are refused.
			if err := c.Do(ctx, "ACL", "SETUSER", "default", "-psync", "-sync").Err(); err != nil {
				return err
			}
			if err := c.Do(ctx, "CLIENT", "KILL", "TYPE", "replica").Err(); err != nil {
				return err
			}
			return until(ctx, func(ctx context.Context) error {
				return says(ctx, c, "replication", "connected_slaves", "0")
			})
		})
	})
}

// AwaitReplicas waits until all replicas of this server have what was written to it
// so far.
func (r *Redis) AwaitReplicas() {
	r.t.Helper()
	var written int64
	r.await("be followed", func(ctx context.Context, c *redis.Client) (err error) {
		written, _, err = replication(ctx, c)
		return err
	})
	r.await("be caught up with", func(ctx context.Context, c *redis.Client) error {
		_, received, err := replication(ctx, c)
		if err == nil && received < written {
			err = fmt.Errorf("a replica has %d bytes of %d", received, written)
		}
		return err
	})
}

// replication returns how far a master has written, and how far the last of its
// replicas is known to have followed. They say so once a second.
func replication(ctx context.Context, c *redis.Client) (written, received int64, err error) {
	role, err := c.Do(ctx, "ROLE").Slice() // "master", 100, {{host, port, "90"} ...}
	if err != nil {
		return 0, 0, err
	}
	if len(role) != 3 || role[0] != "master" {
		return 0, 0, fmt.Errorf("it is no master: %v", role)
	}
	written, _ = role[1].(int64)
	replicas, _ := role[2].([]any)
	if len(replicas) == 0 {
		return 0, 0, errors.New("it has no replicas")
	}
	received = written
	for _, replica := range replicas {
		var at int64
		if of, ok := replica.([]any); ok && len(of) == 3 {
			at, err = strconv.ParseInt(fmt.Sprint(of[2]), 10, 64)
		}
		received = min(received, at)
	}
	return written, received, err
}
