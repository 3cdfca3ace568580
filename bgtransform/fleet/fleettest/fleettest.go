package fleettest

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// Options tell [Run] how to reach the Registry under test.
type Options struct {
	// New returns two clients of one server; they may be the same value if clients
	// hold no state. It is called once in each test, and cleans up with t.Cleanup.
	// Required.
	New func(t *testing.T) (first, second fleet.Registry)

	// Bubble runs every test in a [synctest] bubble, where waiting takes no time.
	// New is called inside the bubble: all that the Registry needs has to be made
	// there, and must not use the network.
	Bubble bool
}

// Run checks a Registry against the contract of [fleet.Registry], as parallel subtests
// of t.
func Run(t *testing.T, opts Options) {
	t.Helper()
	if opts.New == nil {
		t.Fatal("fleettest: Options.New is nil")
	}
	for _, group := range [][]conformanceTest{announceTests(), goneTests(), manyTests(), contextTests()} {
		for _, test := range group {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				if opts.Bubble {
					synctest.Test(t, func(t *testing.T) { test.run(newFixture(t, opts)) })
					return
				}
				test.run(newFixture(t, opts))
			})
		}
	}
}

// conformanceTest is one clause of the contract; its name is the clause.
type conformanceTest struct {
	name string
	run  func(*fixture)
}

const (
	// long is the TTL of announcements that must not expire during a test.
	long = time.Minute

	// short is that of those that are meant to: below a second, which catches clocks
	// that count in seconds.
	short = 400 * time.Millisecond

	// slack is what a busy machine may add to a wait.
	slack = 20 * time.Second

	// early is by how much an age may be off: server clocks count in milliseconds.
	early = 5 * time.Millisecond
)

// fixture is what one test works with: two clients of one server, and an app that
// nobody else uses.
type fixture struct {
	*testing.T

	first, second fleet.Registry
	app           string
}

func newFixture(t *testing.T, o Options) *fixture {
	t.Helper()
	first, second := o.New(t)
	return &fixture{T: t, first: first, second: second, app: "fleettest-" + rand.Text()}
}

// member returns a new member of the fixture's app.
func (f *fixture) member(name string) fleet.Member {
	return fleet.Member{
		Instance: name, Term: rand.Text(), App: f.app, Version: "1.4", Build: "0123abc",
		Started: time.UnixMilli(1_700_000_000_123).UTC(),
		Stages:  map[string]fleet.Stage{"track-length-ms": fleet.Fallback, "x": fleet.After},
		Next:    map[string]fleet.Stage{"track-length-ms": fleet.Compare},
		Asked:   map[string]fleet.Stage{"track-length-ms": fleet.New},
	}
}

func (f *fixture) announce(r fleet.Registry, m fleet.Member, ttl time.Duration) {
	f.Helper()
	if err := r.Announce(f.Context(), m, ttl); err != nil {
		f.Fatalf("Announce(%q for %s) = %v, want nil", m.Instance, ttl, err)
	}
}

func (f *fixture) leave(r fleet.Registry, m fleet.Member) {
	f.Helper()
	if err := r.Leave(f.Context(), m); err != nil {
		f.Fatalf("Leave(%q) = %v, want nil", m.Instance, err)
	}
}

// look returns the members of the fixture's app by their terms.
func (f *fixture) look(r fleet.Registry) map[string]fleet.Sighting {
	f.Helper()
	all, err := r.Members(f.Context())
	if err != nil {
		f.Fatalf("Members = %v, want nil", err)
	}
	byTerm := map[string]fleet.Sighting{}
	for _, s := range fleet.Pool(all).Of(f.app) {
		if _, twice := byTerm[s.Term]; twice {
			f.Fatalf("Members has %q twice", s.Instance)
		}
		byTerm[s.Term] = s
	}
	return byTerm
}

// find returns one member, which must be known.
func (f *fixture) find(r fleet.Registry, m fleet.Member) fleet.Sighting {
	f.Helper()
	s, known := f.look(r)[m.Term]
	if !known {
		f.Fatalf("Members does not know %q", m.Instance)
	}
	return s
}

// sleep lets d pass.
func (f *fixture) sleep(d time.Duration) {
	f.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.Context().Done():
		f.Fatal("the test ended while waiting")
	}
}

// until looks until ok accepts what is known of a member.
func (f *fixture) until(m fleet.Member, what string, ok func(fleet.Sighting) bool) fleet.Sighting {
	f.Helper()
	for began := time.Now(); time.Since(began) < slack; f.sleep(10 * time.Millisecond) {
		if s := f.find(f.second, m); ok(s) {
			return s
		}
	}
	f.Fatalf("%q is not %s after %s", m.Instance, what, slack)
	return fleet.Sighting{}
}
