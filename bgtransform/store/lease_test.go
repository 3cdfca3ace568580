package store_test

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// The lease goes by the server's clock, on every database; that of the client
// has no part in it: no statement is given a time but the ttl.
func TestLeaseConforms(t *testing.T) {
	t.Parallel()
	for kind, make := range databases() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			leasetest.Run(t, leasetest.Options{New: func(t *testing.T) (lease.Locker, lease.Locker) {
				open := make(t)
				first, second := open(t), open(t)
				if err := store.Create(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				return newLease(t, first), newLease(t, second)
			}})
		})
	}
}

func newLease(t *testing.T, db *bun.DB) *store.Lease {
	t.Helper()
	l, err := store.NewLease(db)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What is written and read again of a lease is the server's time alone. Were a
// client's clock in it, then a client whose clock is off by hours would take a
// lease that is held, or never see one end.
func TestLeaseGoesByTheServersClock(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, open database) {
		times := &recorder{}
		db := open(t).WithQueryHook(times)
		if err := store.Create(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		l := newLease(t, db)
		c := lease.Claim{Name: "n", Holder: "h", Term: "t", TTL: time.Hour}
		if err := errors.Join(l.Acquire(t.Context(), c), l.Renew(t.Context(), c)); err != nil {
			t.Fatal(err)
		}
		d, err := dialect.For(db)
		if err != nil {
			t.Fatal(err)
		}
		var left int64
		if err := db.QueryRowContext(t.Context(), "SELECT expires_ms - ("+d.Now+") FROM bgtransform_leases").Scan(&left); err != nil {
			t.Fatal(err)
		}
		if ttl := time.Hour.Milliseconds(); left > ttl || left < ttl-time.Minute.Milliseconds() {
			t.Errorf("the lease ends in %d ms by the server's clock, want about %d", left, ttl)
		}
		clock := regexp.MustCompile(`\b1[0-9]{12}\b|\b20[0-9]{2}-[0-9]{2}`) // this year in any form
		for _, q := range times.queries {
			if found := clock.FindString(q); found != "" {
				t.Errorf("the client's clock (%s) is in %s", found, q)
			}
		}
	})
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
