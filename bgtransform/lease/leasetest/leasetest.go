package leasetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// Options tell [Run] how to reach the Locker under test.
type Options struct {
	// New returns two clients of one server; they may be the same value if clients
	// hold no state. It is called once in each test, and cleans up with t.Cleanup.
	// Required.
	New func(t *testing.T) (first, second lease.Locker)

	// Advance moves the server's clock. If nil, the suite waits in real time, with
	// TTLs of at most a second.
	Advance func(d time.Duration)

	// Bubble runs every test in a [synctest] bubble, where waiting takes no time.
	// New is called inside the bubble: all that the Locker needs has to be made
	// there, and must not use the network.
	Bubble bool
}

// Run checks a Locker against the contract of [lease.Locker], as parallel subtests
// of t.
func Run(t *testing.T, opts Options) {
	t.Helper()
	if opts.New == nil {
		t.Fatal("leasetest: Options.New is nil")
	}
	for _, group := range [][]conformanceTest{
		acquireTests(), renewTests(), releaseTests(), expiryTests(), contentionTests(), nameTests(), contextTests(),
	} {
		for _, test := range group {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				opts.run(t, test.run)
			})
		}
	}
}

// conformanceTest is one clause of the contract; its name is the clause.
type conformanceTest struct {
	name string
	run  func(*fixture)
}

func (o Options) run(t *testing.T, test func(*fixture)) {
	t.Helper()
	if !o.Bubble {
		test(newFixture(t, o))
		return
	}
	synctest.Test(t, func(t *testing.T) { test(newFixture(t, o)) })
}
