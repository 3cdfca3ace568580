package fleettest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// many is how many instances a large pool has.
const many = 200

func manyTests() []conformanceTest {
	return []conformanceTest{
		{"two hundred members announce themselves at the same time, and again", func(f *fixture) {
			members := make([]fleet.Member, many)
			for i := range members {
				members[i] = f.member(fmt.Sprintf("web-%d", i))
			}
			for range 2 {
				f.atOnce(members)
				seen := f.look(f.second)
				if len(seen) != many {
					f.Fatalf("%d members are known, want %d", len(seen), many)
				}
				for _, m := range members {
					f.same(seen[m.Term], m)
				}
			}
		}},
		{"one member that announces itself several times at once is one", func(f *fixture) {
			m := f.member("web-1")
			f.atOnce([]fleet.Member{m, m, m, m, m, m, m, m})
			if seen := f.look(f.second); len(seen) != 1 || !seen[m.Term].Live {
				f.Errorf("known are %v, want one", seen)
			}
		}},
	}
}

// atOnce announces members through both clients, a few at a time.
func (f *fixture) atOnce(members []fleet.Member) {
	f.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	next := make(chan fleet.Member)
	for i := range 8 {
		r := []fleet.Registry{f.first, f.second}[i%2]
		wg.Go(func() { // ends when next is closed
			for m := range next {
				err := r.Announce(f.Context(), m, long)
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	for _, m := range members {
		next <- m
	}
	close(next)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		f.Fatalf("Announce at the same time: %v", err)
	}
}

func contextTests() []conformanceTest {
	return []conformanceTest{
		{"a context that has ended changes nothing", func(f *fixture) {
			ended, cancel := context.WithCancel(f.Context())
			cancel()
			m, other := f.member("web-1"), f.member("web-2")
			f.announce(f.first, m, long)
			if err := f.first.Announce(ended, other, long); err == nil {
				f.Error("Announce = nil, want an error")
			}
			if err := f.first.Leave(ended, m); err == nil {
				f.Error("Leave = nil, want an error")
			}
			if _, err := f.first.Members(ended); err == nil {
				f.Error("Members = nil, want an error")
			}
			seen := f.look(f.second)
			if _, known := seen[other.Term]; known || !seen[m.Term].Live {
				f.Errorf("known are %v, want %q alone, and live", seen, m.Instance)
			}
		}},
	}
}
