package leasetest

import "time"

func acquireTests() []conformanceTest {
	return []conformanceTest{
		{"a free lease is acquired", func(f *fixture) {
			f.hold(f.first, "a", long)
		}},
		{"a held lease names its holder and the time that remains", refusalNamesHolder},
		{"a held lease is refused to a new term of the same holder", func(f *fixture) {
			f.hold(f.first, "a", long)
			f.mustBeHeld(f.first, f.claim("a", long))
			f.mustBeHeld(f.second, f.claim("a", long))
		}},
		{"a refused acquire leaves the holding term untouched", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			other := f.claim("b", short)
			f.mustBeHeld(f.second, other)
			if held := f.mustBeHeld(f.second, other); held.Remaining <= short {
				f.Errorf("after a refusal %s remain, want about %s", held.Remaining, long)
			}
			f.mustRenew(f.first, c)
			f.mustRelease(f.first, c)
		}},
		{"an acquire repeated by the holding term succeeds", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			f.mustAcquire(f.second, c)
			f.mustRelease(f.first, c)
			f.mustBeLost(f.first, c)
		}},
		{"an acquire repeated by the holding term starts its TTL again", func(f *fixture) {
			c := f.hold(f.first, "a", time.Second)
			c.TTL = long
			f.mustAcquire(f.first, c)
			if held := f.mustBeHeld(f.second, f.claim("b", long)); held.Remaining <= time.Second {
				f.Errorf("%s remain, want about %s", held.Remaining, long)
			}
		}},
		{"a lease that has more left than can be is free", incredible},
		{"holder and term may be any text", anyHolder},
	}
}

func refusalNamesHolder(f *fixture) {
	f.hold(f.first, "host-1", long)
	held := f.mustBeHeld(f.second, f.claim("host-2", long))
	if held.Name != f.name {
		f.Errorf("HeldError.Name = %q, want %q", held.Name, f.name)
	}
	if held.Holder != "host-1" {
		f.Errorf("HeldError.Holder = %q, want %q", held.Holder, "host-1")
	}
	if held.Remaining <= 0 || held.Remaining > long {
		f.Errorf("HeldError.Remaining = %s, want more than 0 and at most %s", held.Remaining, long)
	}
}

// incredible is what the server's clock makes of a lease when it is set back by hours.
func incredible(f *fixture) {
	c := f.claim("b", long)
	long := f.hold(f.first, "a", c.Credible()) // as far as it goes
	f.mustBeHeld(f.second, c)
	long.TTL += time.Minute
	f.mustAcquire(f.first, long)
	f.mustAcquire(f.second, c)
	f.mustBeLost(f.first, long)
	f.mustRelease(f.second, c)
}

func anyHolder(f *fixture) {
	for _, text := range []string{
		"host 1", "12:34", "{host}", `back\slash "quoted" 'single'`, "Zürich ☃ 東京", "a,b;c|d\tand a\nnew line", "0", "%s%d", "",
	} {
		shorter := f.claim(text, long)
		c := shorter
		c.Term += "-" + text
		f.mustAcquire(f.first, c)
		if held := f.mustBeHeld(f.second, f.claim("other", long)); held.Holder != text {
			f.Errorf("HeldError.Holder = %q, want %q", held.Holder, text)
		}
		f.mustBeLost(f.second, shorter)
		f.mustRenew(f.first, c)
		f.mustRelease(f.first, c)
	}
}
