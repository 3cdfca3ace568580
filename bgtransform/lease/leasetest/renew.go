package leasetest

import (
	"errors"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func renewTests() []conformanceTest {
	return []conformanceTest{
		{"renew starts the TTL again", func(f *fixture) {
			f.holdAndRenew(time.Second)
			held := f.mustBeHeld(f.second, f.claim("b", long))
			if held.Remaining <= time.Second || held.Remaining > long {
				f.Errorf("%s remain after a renewal for %s", held.Remaining, long)
			}
		}},
		{"a renewed lease outlives its first TTL", func(f *fixture) {
			c := f.holdAndRenew(short)
			f.sleep(2 * short)
			f.mustBeHeld(f.second, f.claim("b", long))
			f.mustRenew(f.first, c)
		}},
		{"renew works from every client", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			f.mustRenew(f.second, c)
			f.mustRenew(f.first, c)
		}},
		{"renew of a lease that nobody holds says lost and takes nothing", func(f *fixture) {
			f.mustBeLost(f.first, f.claim("a", long))
			f.hold(f.second, "b", long)
		}},
		{"an old term can neither renew nor release a newer one", func(f *fixture) {
			older := f.hold(f.first, "a", long)
			f.mustRelease(f.first, older)
			newer := f.hold(f.second, "a", long)
			f.mustBeLost(f.first, older)
			f.mustBeHeld(f.first, f.claim("b", long))
			f.mustRenew(f.second, newer)
			f.mustRelease(f.second, newer)
		}},
		{"a refused term can neither renew nor release", func(f *fixture) {
			holding := f.hold(f.first, "a", long)
			refused := f.claim("b", long)
			f.mustBeHeld(f.second, refused)
			f.mustBeLost(f.second, refused)
			f.mustRenew(f.first, holding)
		}},
	}
}

// holdAndRenew acquires a new term for ttl and renews it for long before it expires.
func (f *fixture) holdAndRenew(ttl time.Duration) (c lease.Claim) {
	f.Helper()
	f.inTime(ttl, func() error {
		c = f.hold(f.first, "a", ttl)
		c.TTL = long
		err := f.first.Renew(f.Context(), c)
		if errors.Is(err, lease.ErrLost) {
			return errExpired
		}
		if err != nil {
			f.Fatalf("Renew by the holding term = %v, want nil", err)
		}
		return nil
	})
	return c
}
