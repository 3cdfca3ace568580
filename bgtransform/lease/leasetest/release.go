package leasetest

func releaseTests() []conformanceTest {
	return []conformanceTest{
		{"release frees the lease at once", func(f *fixture) {
			f.mustRelease(f.first, f.hold(f.first, "a", long))
			f.hold(f.second, "b", long)
		}},
		{"release works from every client", func(f *fixture) {
			f.mustRelease(f.second, f.hold(f.first, "a", long))
			f.hold(f.first, "b", long)
		}},
		{"the second of two releases says lost", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			f.mustRelease(f.first, c)
			f.mustBeLost(f.first, c)
		}},
		{"a released term may not be renewed back to life", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			f.mustRelease(f.first, c)
			f.mustBeLost(f.second, c)
			f.hold(f.second, "b", long)
		}},
		{"a lease is held again and again", func(f *fixture) {
			for range 20 {
				f.mustRelease(f.first, f.hold(f.first, "a", long))
				f.mustRelease(f.second, f.hold(f.second, "b", long))
			}
		}},
	}
}
