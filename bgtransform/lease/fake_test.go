package lease_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// ttl is the TTL of the tests' leases: its fractions are whole milliseconds.
const ttl = 30 * time.Second

var errNetwork = errors.New("network is down")

// fake is a Locker whose methods can be replaced; those that are not succeed. It
// records every call.
type fake struct {
	AcquireFunc, RenewFunc, ReleaseFunc func(context.Context, lease.Claim) error

	mu    sync.Mutex
	calls []lockerCall
}

type lockerCall struct {
	method string
	claim  lease.Claim
	at     time.Time
}

func (f *fake) Acquire(ctx context.Context, c lease.Claim) error {
	return f.call(ctx, "acquire", c, f.AcquireFunc)
}

func (f *fake) Renew(ctx context.Context, c lease.Claim) error {
	return f.call(ctx, "renew", c, f.RenewFunc)
}

func (f *fake) Release(ctx context.Context, c lease.Claim) error {
	return f.call(ctx, "release", c, f.ReleaseFunc)
}

func (f *fake) call(ctx context.Context, method string, c lease.Claim, do func(context.Context, lease.Claim) error) error {
	f.mu.Lock()
	f.calls = append(f.calls, lockerCall{method, c, time.Now()})
	f.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx, c)
}

// of returns the calls of one method so far.
func (f *fake) of(method string) []lockerCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.calls), func(c lockerCall) bool { return c.method != method })
}

// methods returns the names of the calls so far, in order.
func (f *fake) methods() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, c := range f.calls {
		names = append(names, c.method)
	}
	return names
}

// always returns a Locker method that gives err at once.
func always(err error) func(context.Context, lease.Claim) error {
	return func(context.Context, lease.Claim) error { return err }
}

// stuck returns a Locker method that ignores its context for d, as a client may
// that waits for a dead connection, and then gives err.
func stuck(d time.Duration, err error) func(context.Context, lease.Claim) error {
	return func(context.Context, lease.Claim) error {
		<-time.After(d)
		return err
	}
}

// events collects what a keeper tells.
type events struct {
	mu   sync.Mutex
	list []lease.Event
}

func (e *events) add(ev lease.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

func (e *events) kinds() []lease.EventKind {
	e.mu.Lock()
	defer e.mu.Unlock()
	var kinds []lease.EventKind
	for _, ev := range e.list {
		kinds = append(kinds, ev.Kind)
	}
	return kinds
}

func keeper(l lease.Locker) *lease.Keeper {
	return &lease.Keeper{Locker: l, Holder: "host-1", TTL: ttl}
}

// wait is a function for Do that runs until its context ends and returns why.
func wait(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// work returns a function for Do that takes d, or until its context ends.
func work(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("Do = %v, want nil", err)
	}
}

// bubble runs test in a synctest bubble and then lets stuck calls come back: a
// goroutine that is still left after that fails the test.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		defer func() { <-time.After(2 * time.Hour) }()
		test(t)
	})
}
