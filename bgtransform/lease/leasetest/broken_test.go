package leasetest_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

// brokenEnv tells the subprocess of TestRunRefusesBrokenLockers which Locker to
// run the suite on.
const brokenEnv = "LEASETEST_BROKEN"

// TestRunRefusesBrokenLockers proves that the suite sees faults: it must fail for
// every Locker with one. A failing suite fails its test, hence the subprocess.
func TestRunRefusesBrokenLockers(t *testing.T) {
	t.Parallel()
	for name := range brokenLockers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenLocker$", "-test.count=1")
			cmd.Env = append(os.Environ(), brokenEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite accepts a Locker that %s", name)
			}
			if !strings.Contains(string(out), "--- FAIL: TestBrokenLocker/") {
				t.Fatalf("the suite ended with %v but without a failed test:\n%s", err, out)
			}
		})
	}
}

// TestBrokenLocker is the subprocess's part.
func TestBrokenLocker(t *testing.T) {
	name := os.Getenv(brokenEnv)
	if name == "" {
		t.Skip("runs only in the subprocesses of TestRunRefusesBrokenLockers")
	}
	t.Parallel()
	leasetest.Run(t, leasetest.Options{Bubble: true, New: func(*testing.T) (lease.Locker, lease.Locker) {
		l := brokenLockers()[name]()
		return l, l
	}})
}

func brokenLockers() map[string]func() lease.Locker {
	change := func(do func(*leasetest.Memory, *broken)) func() lease.Locker {
		return func() lease.Locker {
			m := new(leasetest.Memory)
			b := &broken{AcquireFunc: m.Acquire, RenewFunc: m.Renew, ReleaseFunc: m.Release}
			do(m, b)
			return b
		}
	}
	yes := func(context.Context, lease.Claim) error { return nil }
	return map[string]func() lease.Locker{
		"grants every acquire": change(func(_ *leasetest.Memory, b *broken) { b.AcquireFunc = yes }),
		"grants every renewal": change(func(_ *leasetest.Memory, b *broken) { b.RenewFunc = yes }),
		"grants every release": change(func(_ *leasetest.Memory, b *broken) { b.ReleaseFunc = yes }),
		"counts in seconds":    change(func(_ *leasetest.Memory, b *broken) { b.mapTTL(roundUp(time.Second)) }),
		"cuts TTLs to seconds": change(func(_ *leasetest.Memory, b *broken) { b.mapTTL(cut(time.Second)) }),
		"never expires": change(func(_ *leasetest.Memory, b *broken) {
			b.mapTTL(func(time.Duration) time.Duration { return 1e6 * time.Hour })
		}),
		"expires far too early":    change(func(_ *leasetest.Memory, b *broken) { b.mapTTL(func(d time.Duration) time.Duration { return d / 2 }) }),
		"does not see the context": change(func(_ *leasetest.Memory, b *broken) { b.mapContext(context.WithoutCancel) }),
		"folds the case of names":  change(func(_ *leasetest.Memory, b *broken) { b.mapName(strings.ToLower) }),
		"cuts long names":          change(func(_ *leasetest.Memory, b *broken) { b.mapName(cutAt(200)) }),
		"trims names":              change(func(_ *leasetest.Memory, b *broken) { b.mapName(strings.TrimSpace) }),
		"takes holders for terms":  change(func(_ *leasetest.Memory, b *broken) { b.mapClaim(func(c *lease.Claim) { c.Term = c.Holder }) }),
		"hides the holder":         change(func(_ *leasetest.Memory, b *broken) { b.mapClaim(func(c *lease.Claim) { c.Holder = "" }) }),
		"refuses its own term":     change(refuseRepeat),
		"believes any expiry":      change(believe),
		"checks, then sets":        change(checkThenSet),
	}
}

// refuseRepeat refuses an acquire that is repeated by the holding term.
func refuseRepeat(m *leasetest.Memory, b *broken) {
	b.AcquireFunc = func(ctx context.Context, c lease.Claim) error {
		if holder := m.Holder(c.Name); holder != "" {
			return &lease.HeldError{Name: c.Name, Holder: holder, Remaining: c.TTL}
		}
		return m.Acquire(ctx, c)
	}
}

// believe refuses a lease that is held, however much it has left.
func believe(m *leasetest.Memory, b *broken) {
	var terms sync.Map
	b.AcquireFunc = func(ctx context.Context, c lease.Claim) error {
		if holder := m.Holder(c.Name); holder != "" {
			if term, _ := terms.Load(c.Name); term != c.Term {
				return &lease.HeldError{Name: c.Name, Holder: holder, Remaining: time.Second}
			}
		}
		terms.Store(c.Name, c.Term)
		return m.Acquire(ctx, c)
	}
}

// checkThenSet lets others in between the test and the change.
func checkThenSet(m *leasetest.Memory, b *broken) {
	b.AcquireFunc = func(ctx context.Context, c lease.Claim) error {
		if m.Holder(c.Name) != "" {
			return m.Acquire(ctx, c)
		}
		<-time.After(time.Millisecond)
		runtime.Gosched()
		return nil
	}
}

// broken is a Locker whose methods can be replaced one by one.
type broken struct {
	AcquireFunc, RenewFunc, ReleaseFunc func(context.Context, lease.Claim) error
}

func (b *broken) Acquire(ctx context.Context, c lease.Claim) error { return b.AcquireFunc(ctx, c) }
func (b *broken) Renew(ctx context.Context, c lease.Claim) error   { return b.RenewFunc(ctx, c) }
func (b *broken) Release(ctx context.Context, c lease.Claim) error { return b.ReleaseFunc(ctx, c) }

// mapCall changes the arguments of every method.
func (b *broken) mapCall(change func(ctx context.Context, c *lease.Claim) context.Context) {
	for _, f := range []*func(context.Context, lease.Claim) error{&b.AcquireFunc, &b.RenewFunc, &b.ReleaseFunc} {
		original := *f
		*f = func(ctx context.Context, c lease.Claim) error {
			ctx = change(ctx, &c)
			return original(ctx, c)
		}
	}
}

func (b *broken) mapContext(change func(context.Context) context.Context) {
	b.mapCall(func(ctx context.Context, _ *lease.Claim) context.Context { return change(ctx) })
}

func (b *broken) mapClaim(change func(*lease.Claim)) {
	b.mapCall(func(ctx context.Context, c *lease.Claim) context.Context {
		change(c)
		return ctx
	})
}

func (b *broken) mapTTL(change func(time.Duration) time.Duration) {
	b.mapClaim(func(c *lease.Claim) { c.TTL = change(c.TTL) })
}

func (b *broken) mapName(change func(string) string) {
	b.mapClaim(func(c *lease.Claim) { c.Name = change(c.Name) })
}

func roundUp(unit time.Duration) func(time.Duration) time.Duration {
	return func(d time.Duration) time.Duration { return (d + unit - 1).Truncate(unit) }
}

func cut(unit time.Duration) func(time.Duration) time.Duration {
	return func(d time.Duration) time.Duration { return d.Truncate(unit) }
}

func cutAt(n int) func(string) string {
	return func(s string) string { return s[:min(n, len(s))] }
}
