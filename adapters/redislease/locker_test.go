package redislease_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func claim(name string) lease.Claim {
	return lease.Claim{Name: name, Holder: "host-1", Term: "T1", TTL: time.Minute}
}

func TestKeysAndValues(t *testing.T) {
	t.Parallel()
	m := newMini(t)
	rdb := m.client(t)
	for _, l := range []struct {
		locker *redislease.Locker
		name   string
	}{
		{redislease.New(rdb), "track-length-ms"},
		{redislease.New(rdb), "{100%}"},
		{redislease.New(rdb, redislease.WithPrefix("shop:")), "track-length-ms"},
	} {
		if err := l.locker.Acquire(t.Context(), claim(l.name)); err != nil {
			t.Fatalf("Acquire(%q) = %v, want nil", l.name, err)
		}
	}
	got := m.Keys()
	slices.Sort(got)
	want := []string{"bgtransform:{%7B100%25%7D}:lease", "bgtransform:{track-length-ms}:lease", "shop:{track-length-ms}:lease"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if got, _ := m.Get("shop:{track-length-ms}:lease"); got != "2:T1host-1" {
		t.Errorf("value %q, want length, term and holder", got)
	}
	if got := m.TTL("shop:{track-length-ms}:lease"); got <= 0 || got > time.Minute {
		t.Errorf("the key expires in %s, want at most %s", got, time.Minute)
	}
}

func TestForeignValues(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "foreign", "99:short", "-1:x", ":", "x:y"} {
		m := newMini(t)
		if err := m.Set("bgtransform:{n}:lease", value); err != nil {
			t.Fatal(err)
		}
		err := redislease.New(m.client(t)).Acquire(t.Context(), claim("n"))
		held, ok := errors.AsType[*lease.HeldError](err)
		if !ok {
			t.Fatalf("Acquire over %q = %v, want a *lease.HeldError", value, err)
		}
		if diff := cmp.Diff(&lease.HeldError{Name: "n"}, held); diff != "" {
			t.Errorf("refusal over %q (-want +got):\n%s", value, diff)
		}
	}
}

func TestForeignTypeIsTheServersError(t *testing.T) {
	t.Parallel()
	m := newMini(t)
	if _, err := m.Push("bgtransform:{n}:lease", "x"); err != nil {
		t.Fatal(err)
	}
	l := redislease.New(m.client(t))
	for method, err := range map[string]error{
		"Acquire": l.Acquire(t.Context(), claim("n")),
		"Renew":   l.Renew(t.Context(), claim("n")),
		"Release": l.Release(t.Context(), claim("n")),
	} {
		if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("%s = %v, want the server's WRONGTYPE", method, err)
		}
	}
}

func TestErrorsAreTheClients(t *testing.T) {
	t.Parallel()
	down := errors.New("no route to host")
	rdb := redis.NewClient(&redis.Options{
		Dialer:        func(context.Context, string, string) (net.Conn, error) { return nil, down },
		MaxRetries:    -1,
		DialerRetries: 1,
	})
	closed(t, rdb)
	l := redislease.New(rdb)
	for method, err := range map[string]error{
		"Acquire": l.Acquire(t.Context(), claim("n")),
		"Renew":   l.Renew(t.Context(), claim("n")),
		"Release": l.Release(t.Context(), claim("n")),
	} {
		if !errors.Is(err, down) {
			t.Errorf("%s = %v, want %v", method, err, down)
		}
	}
}

// TestScriptsAreSentAgain loses the server's scripts, as a restart does.
func TestScriptsAreSentAgain(t *testing.T) {
	t.Parallel()
	rdb := newMini(t).client(t)
	l := redislease.New(rdb)
	for _, step := range []func(context.Context, lease.Claim) error{l.Acquire, l.Renew, l.Release} {
		if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if err := step(t.Context(), claim("n")); err != nil {
			t.Errorf("after SCRIPT FLUSH: %v, want nil", err)
		}
	}
}
