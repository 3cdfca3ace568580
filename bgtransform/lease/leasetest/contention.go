package leasetest

import (
	"errors"
	"strconv"
	"sync"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

const (
	contenders = 8
	rounds     = 20
)

func contentionTests() []conformanceTest {
	return []conformanceTest{
		{"of many contenders exactly one wins", func(f *fixture) {
			for range rounds {
				f.mustRelease(f.second, f.contend())
			}
		}},
		{"after an expiry exactly one contender takes over", func(f *fixture) {
			f.hold(f.first, "gone", short)
			f.sleep(short + early)
			f.contend()
		}},
		{"of many releases of one term exactly one succeeds", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			errs := f.together(func(l lease.Locker, _ int) error { return l.Release(f.Context(), c) })
			f.exactlyOneNil(errs, lease.ErrLost)
		}},
		{"many renewals of one term all succeed", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			for _, err := range f.together(func(l lease.Locker, _ int) error { return l.Renew(f.Context(), c) }) {
				if err != nil {
					f.Errorf("Renew side by side = %v, want nil", err)
				}
			}
		}},
	}
}

// contend lets many terms ask at once and returns the one that won.
func (f *fixture) contend() lease.Claim {
	f.Helper()
	claims := make([]lease.Claim, contenders)
	for i := range claims {
		claims[i] = f.claim("contender "+strconv.Itoa(i), long)
	}
	errs := f.together(func(l lease.Locker, i int) error { return l.Acquire(f.Context(), claims[i]) })
	return claims[f.exactlyOneNil(errs, lease.ErrHeld)]
}

// together calls do once for each contender, on alternating clients, at once.
func (f *fixture) together(do func(l lease.Locker, i int) error) []error {
	errs := make([]error, contenders)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		l := f.first
		if i%2 == 1 {
			l = f.second
		}
		wg.Go(func() {
			<-start
			errs[i] = do(l, i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// exactlyOneNil checks that one of the errors is nil and all others are want, and
// returns the index of the one.
func (f *fixture) exactlyOneNil(errs []error, want error) int {
	f.Helper()
	winner, winners := 0, 0
	for i, err := range errs {
		switch {
		case err == nil:
			winner = i
			winners++
		case !errors.Is(err, want):
			f.Errorf("contender %d got %v, want nil or %v", i, err, want)
		}
	}
	if winners != 1 {
		f.Fatalf("%d of %d contenders succeeded, want exactly one", winners, len(errs))
	}
	return winner
}
