package leasetest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

const (
	// long is the TTL of leases that must not expire during a test.
	long = time.Minute

	// short is the TTL of leases that are meant to expire: short enough to wait
	// for, and below a second, which catches clocks that count in seconds.
	short = 400 * time.Millisecond

	// slack is what real clocks and busy machines may add to a wait.
	slack = 20 * time.Second

	// early is how much sooner than its TTL a lease may expire in the eyes of a
	// client: server clocks count in milliseconds.
	early = 5 * time.Millisecond
)

// fixture is what one test works with: two clients of one server, and a name that
// nobody else uses.
type fixture struct {
	*testing.T

	first, second lease.Locker
	name          string
	advance       func(time.Duration)
}

func newFixture(t *testing.T, o Options) *fixture {
	t.Helper()
	first, second := o.New(t)
	return &fixture{T: t, first: first, second: second, name: "leasetest-" + rand.Text(), advance: o.Advance}
}

// claim returns a claim of a new term on the fixture's name.
func (f *fixture) claim(holder string, ttl time.Duration) lease.Claim {
	return lease.Claim{Name: f.name, Holder: holder, Term: rand.Text(), TTL: ttl}
}

// hold acquires a new term, which must succeed.
func (f *fixture) hold(l lease.Locker, holder string, ttl time.Duration) lease.Claim {
	f.Helper()
	c := f.claim(holder, ttl)
	f.mustAcquire(l, c)
	return c
}

func (f *fixture) mustAcquire(l lease.Locker, c lease.Claim) {
	f.Helper()
	if err := l.Acquire(f.Context(), c); err != nil {
		f.Fatalf("Acquire(%q for %q) = %v, want nil", c.Name, c.Holder, err)
	}
}

// mustBeHeld checks that a new term is refused, and returns the refusal.
func (f *fixture) mustBeHeld(l lease.Locker, c lease.Claim) *lease.HeldError {
	f.Helper()
	return f.refusal(l.Acquire(f.Context(), c))
}

// refusal returns the refusal that err has to be.
func (f *fixture) refusal(err error) *lease.HeldError {
	f.Helper()
	if !errors.Is(err, lease.ErrHeld) {
		f.Fatalf("Acquire of a held lease = %v, want an error that is lease.ErrHeld", err)
	}
	held, ok := errors.AsType[*lease.HeldError](err)
	if !ok {
		f.Fatalf("Acquire of a held lease = %T, want a *lease.HeldError", err)
	}
	return held
}

func (f *fixture) mustRenew(l lease.Locker, c lease.Claim) {
	f.Helper()
	if err := l.Renew(f.Context(), c); err != nil {
		f.Fatalf("Renew by the holding term = %v, want nil", err)
	}
}

func (f *fixture) mustRelease(l lease.Locker, c lease.Claim) {
	f.Helper()
	if err := l.Release(f.Context(), c); err != nil {
		f.Fatalf("Release by the holding term = %v, want nil", err)
	}
}

// mustBeLost checks that a term can neither renew nor release.
func (f *fixture) mustBeLost(l lease.Locker, c lease.Claim) {
	f.Helper()
	if err := l.Renew(f.Context(), c); !errors.Is(err, lease.ErrLost) {
		f.Errorf("Renew by a term that does not hold the lease = %v, want lease.ErrLost", err)
	}
	if err := l.Release(f.Context(), c); !errors.Is(err, lease.ErrLost) {
		f.Errorf("Release by a term that does not hold the lease = %v, want lease.ErrLost", err)
	}
}

// sleep lets d pass for the server.
func (f *fixture) sleep(d time.Duration) {
	f.Helper()
	if f.advance != nil {
		f.advance(d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.Context().Done():
		f.Fatalf("the test ended while waiting: %v", context.Cause(f.Context()))
	}
}

// acquireWhenFree tries until the lease is free, and returns how long after since
// that was, on the clock that sleep moves.
func (f *fixture) acquireWhenFree(l lease.Locker, c lease.Claim, since time.Time) time.Duration {
	f.Helper()
	const step = 10 * time.Millisecond
	for waited := time.Duration(0); waited < slack; waited += step {
		err := l.Acquire(f.Context(), c)
		if err == nil && f.advance != nil {
			return waited
		}
		if err == nil {
			return time.Since(since)
		}
		if !errors.Is(err, lease.ErrHeld) {
			f.Fatalf("Acquire while waiting for an expiry = %v, want nil or lease.ErrHeld", err)
		}
		f.sleep(step)
	}
	f.Fatalf("the lease is still held after %s", slack)
	return 0
}

// errExpired is what a function of inTime returns when its lease was gone.
var errExpired = errors.New("the lease has expired")

// inTime calls do, which has to be done with a lease before the lease's TTL is
// over. Where a busy machine did not get there in time, it is called again.
func (f *fixture) inTime(ttl time.Duration, do func() error) {
	f.Helper()
	for began := time.Now(); time.Since(began) < slack; {
		sent := time.Now()
		err := do()
		if err == nil {
			return
		}
		if since := time.Since(sent); since < ttl-early {
			f.Fatalf("%s after it was asked for: %v, its TTL is %s", since, err, ttl)
		}
	}
	f.Fatalf("this machine is too busy: not once in %s was it done within %s", slack, ttl)
}
