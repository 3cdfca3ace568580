//go:build unix

package redislease_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// TestFrozenRedisDoesNotHoldUpTheKeeper freezes a real server. The client ignores
// its context for five seconds then; the keeper must not.
func TestFrozenRedisDoesNotHoldUpTheKeeper(t *testing.T) {
	t.Parallel()
	const ttl = time.Second
	s := startRedis(t)
	k := lease.Keeper{Locker: redislease.New(s.client(t)), Holder: "host-1", TTL: ttl}
	var frozen time.Time
	err := k.Do(t.Context(), "n", func(ctx context.Context) error {
		frozen = time.Now()
		if err := s.process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
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
