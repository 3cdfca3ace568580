package leasetest

import "time"

func renewTests() []conformanceTest {
	return []conformanceTest{
		{"renew starts the TTL again", func(f *fixture) {
			c := f.hold(f.first, "a", time.Second)
			c.TTL = long
			f.mustRenew(f.first, c)
			held := f.mustBeHeld(f.second, f.claim("b", long))
			if held.Remaining <= time.Second || held.Remaining > long {
				f.Errorf("%s remain after a renewal for %s", held.Remaining, long)
			}
		}},
		{"a renewed lease outlives its first TTL", func(f *fixture) {
			c := f.hold(f.first, "a", short)
			c.TTL = long
			f.mustRenew(f.first, c)
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
