package main

import (
	"cmp"
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/embedded"
	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// redisServer is where the leases are: the Redis of REDIS_URL, which a pool
// shares, or one inside this process.
type redisServer struct {
	name   string // for people; empty for the one inside, which the engine warns of
	locker lease.Locker
	ping   func(ctx context.Context) error
	close  func()
}

// newRedis connects to nothing yet: a Redis that is down keeps no app from
// booting.
func newRedis(opts *redis.Options) redisServer {
	if opts == nil {
		emb := embedded.New()
		return redisServer{
			locker: emb,
			ping:   func(ctx context.Context) error { return emb.Client().Ping(ctx).Err() },
			close:  func() { _ = emb.Close() },
		}
	}
	client := redis.NewClient(opts)
	return redisServer{
		name:   "the Redis at " + opts.Addr,
		locker: redislease.New(client),
		ping:   func(ctx context.Context) error { return client.Ping(ctx).Err() },
		close:  func() { _ = client.Close() },
	}
}

// parseRedis reads REDIS_URL; nil when it is empty. The timeouts are short,
// because a lease that takes seconds to renew is as good as lost, and a request
// that ignores its context would delay the shutdown.
func parseRedis(text string) (*redis.Options, error) {
	if text == "" {
		return nil, nil
	}
	opts, err := redis.ParseURL(text)
	if err != nil {
		return nil, usagef("REDIS_URL: %w; want such as redis://localhost:6379/0", err)
	}
	opts.ContextTimeoutEnabled = true
	opts.DialTimeout = cmp.Or(opts.DialTimeout, 500*time.Millisecond)
	opts.ReadTimeout = cmp.Or(opts.ReadTimeout, 500*time.Millisecond)
	opts.WriteTimeout = cmp.Or(opts.WriteTimeout, 500*time.Millisecond)
	opts.MaxRetries = cmp.Or(opts.MaxRetries, -1) // the lease's keeper tries again itself
	opts.DialerRetries = cmp.Or(opts.DialerRetries, 1)
	dial := net.Dialer{Timeout: opts.DialTimeout}
	if opts.TLSConfig == nil {
		opts.Dialer = dial.DialContext // go-redis's own ignores the context
	}
	return opts, nil
}
