package embedded

import (
	"context"
	"net"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// Redis is a Redis in this process, a client of it, and the leases it keeps: a
// [lease.Locker] that excludes only within this process. Make one with [New]. Safe
// for concurrent use.
type Redis struct {
	client *redis.Client
	locker *redislease.Locker

	mu     sync.Mutex // orders connecting and closing
	server *miniredis.Miniredis
	closed bool
}

var _ lease.LocalLocker = (*Redis)(nil)

// New returns an embedded Redis that is empty. It starts with the first command.
// Close it to stop its goroutines.
func New() *Redis {
	r := &Redis{server: miniredis.NewMiniRedis()}
	r.server.ClockTTL(true)
	r.client = redis.NewClient(&redis.Options{
		Addr:                  "embedded", // for error messages; nothing listens
		Dialer:                r.dial,
		DialerRetries:         1,
		MaxRetries:            -1, // no network: what fails once fails again
		ContextTimeoutEnabled: true,
		// miniredis knows neither CLIENT SETINFO nor maintenance notifications.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	r.locker = redislease.New(r.client)
	return r
}

// Client returns the client of this Redis, always the same one, for whatever else
// wants a Redis: heartbeats, sets of processed keys, the application's own tests.
// It is closed by [Redis.Close].
func (r *Redis) Client() *redis.Client { return r.client }

// Acquire implements [lease.Locker].
func (r *Redis) Acquire(ctx context.Context, c lease.Claim) error { return r.locker.Acquire(ctx, c) }

// Renew implements [lease.Locker].
func (r *Redis) Renew(ctx context.Context, c lease.Claim) error { return r.locker.Renew(ctx, c) }

// Release implements [lease.Locker].
func (r *Redis) Release(ctx context.Context, c lease.Claim) error { return r.locker.Release(ctx, c) }

// Local implements [lease.LocalLocker]: another process does not see these leases.
func (*Redis) Local() bool { return true }

// Close stops the Redis, forgets everything in it and waits for its goroutines.
// Later commands fail with [redis.ErrClosed]. Safe to call more than once.
func (r *Redis) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.client.Close()
	r.server.Close()
	return err
}

// dial connects the client. A closed server would start again when dialled.
func (r *Redis) dial(context.Context, string, string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, redis.ErrClosed
	}
	return r.server.Dial()
}
