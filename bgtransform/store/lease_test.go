package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

func TestLeaseConforms(t *testing.T) {
	t.Parallel()
	leasetest.Run(t, leasetest.Options{New: func(t *testing.T) (lease.Locker, lease.Locker) {
		dsn := file(t)
		first, second := connect(t, dsn), connect(t, dsn)
		if err := store.Create(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		a, err := store.NewLease(first)
		if err != nil {
			t.Fatal(err)
		}
		b, err := store.NewLease(second)
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}})
}

// A missing table is neither "held" nor "lost": the outcome is unknown.
func TestLeaseWithoutItsTable(t *testing.T) {
	t.Parallel()
	l, err := store.NewLease(connect(t, file(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := lease.Claim{Name: "n", Holder: "h", Term: "t", TTL: time.Minute}
	for name, do := range map[string]func() error{
		"Acquire": func() error { return l.Acquire(t.Context(), c) },
		"Renew":   func() error { return l.Renew(t.Context(), c) },
		"Release": func() error { return l.Release(t.Context(), c) },
	} {
		if err := do(); err == nil || errors.Is(err, lease.ErrHeld) || errors.Is(err, lease.ErrLost) {
			t.Errorf("%s without a table = %v, want the database's error", name, err)
		}
	}
}
