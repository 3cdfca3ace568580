package redislease_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// remembering is a client that counts how often it is told to look again who has
// the keys.
type remembering struct {
	*redis.Client

	reloads int
}

func (r *remembering) ReloadState(context.Context) { r.reloads++ }

func TestDeadServerHasClusterReloaded(t *testing.T) {
	t.Parallel()
	dead := &remembering{Client: closed(t, redis.NewClient(&redis.Options{
		Dialer:        func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") },
		MaxRetries:    -1,
		DialerRetries: 1,
	}))}
	l := redislease.New(dead)
	for i, call := range []func(context.Context, lease.Claim) error{l.Acquire, l.Renew, l.Release} {
		if err := call(t.Context(), claim("n")); err == nil {
			t.Fatal("nil from a server that is dead")
		}
		if dead.reloads != i+1 {
			t.Errorf("%d reloads after %d errors, want one for each", dead.reloads, i+1)
		}
	}
}

func TestAnswerHasNothingReloaded(t *testing.T) {
	t.Parallel()
	m := newMini(t)
	alive := &remembering{Client: m.client(t)}
	l := redislease.New(alive)
	other := claim("n")
	other.Term = "T2"
	if _, err := m.Push("bgtransform:{list}:lease", "x"); err != nil {
		t.Fatal(err)
	}
	for outcome, err := range map[string]error{
		"nil": l.Acquire(t.Context(), claim("n")), "held": l.Acquire(t.Context(), other), "lost": l.Renew(t.Context(), other),
		"WRONGTYPE": l.Acquire(t.Context(), claim("list")),
	} {
		if alive.reloads != 0 {
			t.Errorf("%s, %v: %d reloads, want none", outcome, err, alive.reloads)
		}
	}
}
