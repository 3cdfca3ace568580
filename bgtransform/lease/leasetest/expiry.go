package leasetest

import "time"

func expiryTests() []conformanceTest {
	return []conformanceTest{
		{"a lease that is not renewed is free after its TTL, not before", func(f *fixture) {
			sent := time.Now() // the server counts from a later moment, however slow its answer is
			f.hold(f.first, "a", short)
			if free := f.acquireWhenFree(f.second, f.claim("b", long), sent); free < short-early {
				f.Errorf("the lease was free %s after it was asked for, its TTL is %s", free, short)
			}
		}},
		{"a TTL below a second is not rounded up to a second", func(f *fixture) {
			f.inTime(short, func() error {
				f.hold(f.first, "a", short)
				refused := f.claim("b", short)
				err := f.second.Acquire(f.Context(), refused)
				if err == nil { // it came too late, or the lease never was
					_ = f.second.Release(f.Context(), refused) // it may have expired as well
					return errExpired
				}
				if held := f.refusal(err); held.Remaining > short {
					f.Errorf("%s remain of a TTL of %s", held.Remaining, short)
				}
				return nil
			})
		}},
		{"a TTL that is no whole number of milliseconds is not cut to nothing", func(f *fixture) {
			f.hold(f.first, "a", long+time.Nanosecond)
			f.mustBeHeld(f.second, f.claim("b", long))
			c := f.claim("c", time.Millisecond+time.Nanosecond)
			c.Name += "-2"
			f.mustAcquire(f.first, c)
		}},
		{"an expired term says lost, though nobody took the lease", func(f *fixture) {
			c := f.hold(f.first, "a", short)
			f.sleep(short + early)
			f.mustBeLost(f.first, c)
			f.hold(f.second, "b", long)
		}},
		{"an expired term cannot touch the term that took over", func(f *fixture) {
			expired := f.hold(f.first, "a", short)
			newer := f.claim("b", long)
			f.acquireWhenFree(f.second, newer, time.Now())
			f.mustBeLost(f.first, expired)
			if held := f.mustBeHeld(f.first, f.claim("a", long)); held.Holder != "b" {
				f.Errorf("HeldError.Holder = %q after the takeover, want %q", held.Holder, "b")
			}
			f.mustRenew(f.second, newer)
		}},
		{"an expired term may be acquired anew", func(f *fixture) {
			f.hold(f.first, "a", short)
			f.sleep(short + early)
			f.hold(f.first, "a", long)
		}},
	}
}
