package redislease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// TestFrozenRedisDoesNotHoldUpTheKeeper freezes a real server. The client ignores
// its context for five seconds then; the keeper must not.
func TestFrozenRedisDoesNotHoldUpTheKeeper(t *testing.T) {
	t.Parallel()
	const ttl = time.Second
	server := testserver.StartRedis(t)
	rdb := closed(t, redis.NewClient(&redis.Options{Addr: server.Addr()}))
	k := lease.Keeper{Locker: redislease.New(rdb), Holder: "host-1", TTL: ttl}
	var frozen time.Time
	err := k.Do(t.Context(), "n", func(ctx context.Context) error {
		frozen = time.Now()
		server.Freeze()
		<-ctx.Done()
		return ctx.Err()
	})
	took := time.Since(frozen)
	if !errors.Is(err, lease.ErrLost) {
		t.Errorf("Do = %v, want an error that is lease.ErrLost", err)
	}
	if took > 3*ttl {
		t.Errorf("Do returned %s after the server froze, want well below the client's 5s", took)
	}
}
