package testserver

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// await waits until a condition holds for the server.
func (r *Redis) await(what string, holds func(context.Context, *redis.Client) error) {
	r.t.Helper()
	r.ask(r.t, "wait for a Redis to "+what, func(ctx context.Context) error {
		return talk(r.in, func(c *redis.Client) error {
			return until(ctx, func(ctx context.Context) error { return holds(ctx, c) })
		})
	})
}

// isItself returns nil if the process of this instance answers, and has its data:
// while it reads what it left on the disk it answers INFO, and refuses the rest. It
// does not ask before somebody listens, because the client would log that nobody
// does.
func isItself(ctx context.Context, in *instance) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", in.port.addr())
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	return talk(in, func(c *redis.Client) error {
		if err := says(ctx, c, "server", "process_id", strconv.Itoa(in.pid())); err != nil {
			return err
		}
		return c.Ping(ctx).Err()
	})
}

// talk calls do with a client that does nothing on its own: no retries, no
// greetings.
func talk(in *instance, do func(*redis.Client) error) error {
	c := redis.NewClient(&redis.Options{
		Addr: in.port.addr(), Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer func() { _ = c.Close() }()
	return do(c)
}

// says returns nil if a section of the server's INFO has that value.
func says(ctx context.Context, c *redis.Client, section, key, want string) error {
	info, err := c.Info(ctx, section).Result()
	if err != nil {
		return err
	}
	if got := field(info, key); got != want {
		return fmt.Errorf("%s is %q, not %q yet", key, got, want)
	}
	return nil
}

// field returns a value of lines like "key:value".
func field(info, key string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
