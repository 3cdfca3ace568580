package fleettest

import (
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

func goneTests() []conformanceTest {
	return []conformanceTest{
		{"an announcement expires after its TTL, not before, and the member stays known", func(f *fixture) {
			m, sent := f.member("web-1"), time.Now()
			f.announce(f.first, m, short)
			s := f.until(m, "gone", func(s fleet.Sighting) bool { return !s.Live })
			if passed := time.Since(sent); passed < short-early {
				f.Errorf("gone %s after it was announced, its TTL is %s", passed, short)
			}
			if s.Seen < s.Gone+short-early || s.Seen > s.Gone+short+early {
				f.Errorf("seen %s ago and gone for %s, want its TTL of %s in between", s.Seen, s.Gone, short)
			}
			if s.Stage("x") != fleet.After {
				f.Errorf("it is remembered as %+v", s)
			}
			again := f.until(m, "gone for longer", func(s fleet.Sighting) bool { return s.Gone >= short })
			if again.Joined < again.Seen {
				f.Errorf("joined %s ago and seen %s ago", again.Joined, again.Seen)
			}
		}},
		{"an announcement that is repeated does not expire", func(f *fixture) {
			m := f.member("web-1")
			f.announce(f.first, m, short)
			f.announce(f.first, m, long)
			f.sleep(short + early)
			f.same(f.find(f.second, m), m)
		}},
		{"who leaves is gone at once, and stays known", func(f *fixture) {
			m := f.member("web-1")
			f.announce(f.first, m, long)
			left := time.Now()
			f.leave(f.second, m)
			s := f.find(f.first, m)
			if s.Live || s.Gone > time.Since(left)+early || s.Seen < s.Gone {
				f.Errorf("after it left %s ago: %+v", time.Since(left), s)
			}
		}},
		{"who left comes back under the same term", func(f *fixture) {
			m := f.member("web-1")
			f.announce(f.first, m, long)
			f.sleep(short)
			f.leave(f.first, m)
			f.announce(f.first, m, long)
			s := f.find(f.second, m)
			f.same(s, m)
			if s.Joined < short-early {
				f.Errorf("joined %s ago, want the first announcement, %s ago or more", s.Joined, short)
			}
		}},
		{"to leave twice, or without having been there, changes nothing", func(f *fixture) {
			m, stranger := f.member("web-1"), f.member("stranger")
			f.announce(f.first, m, long)
			f.leave(f.first, m)
			f.sleep(short)
			f.leave(f.first, m)
			if s := f.find(f.second, m); s.Gone < short-early {
				f.Errorf("it left %s ago, want the first time, %s ago or more", s.Gone, short)
			}
			f.leave(f.first, stranger)
			if _, known := f.look(f.second)[stranger.Term]; known {
				f.Error("a member is known that has only left")
			}
		}},
		{"a TTL that is no whole number of milliseconds is not cut to nothing", func(f *fixture) {
			m := f.member("web-1")
			f.announce(f.first, m, long+time.Nanosecond)
			f.same(f.find(f.second, m), m)
		}},
	}
}
