package fleettest

import (
	"maps"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

func announceTests() []conformanceTest {
	return []conformanceTest{
		{"a member is seen by the other client as it announced itself", func(f *fixture) {
			m := f.member("web-1")
			f.announce(f.first, m, long)
			f.same(f.find(f.second, m), m)
		}},
		{"a member may say next to nothing", func(f *fixture) {
			m := fleet.Member{Instance: "bare", Term: f.member("").Term, App: f.app}
			f.announce(f.first, m, long)
			f.same(f.find(f.second, m), m)
		}},
		{"what a member says replaces what it has said before", func(f *fixture) {
			m := f.member("web-1")
			f.announce(f.first, m, long)
			m.Stages, m.Next = map[string]fleet.Stage{"y": fleet.Old}, nil
			f.announce(f.second, m, long)
			f.same(f.find(f.first, m), m)
		}},
		{"the first announcement is remembered, the last one as well", func(f *fixture) {
			m, sent := f.member("web-1"), time.Now()
			f.announce(f.first, m, long)
			f.sleep(short)
			f.announce(f.first, m, long)
			s := f.find(f.second, m)
			if s.Joined < short-early || s.Joined > time.Since(sent)+early {
				f.Errorf("joined %s ago, want between %s and %s", s.Joined, short, time.Since(sent))
			}
			if s.Seen > s.Joined-short+early {
				f.Errorf("seen %s ago and joined %s ago, want %s in between", s.Seen, s.Joined, short)
			}
		}},
		{"two processes of one name are two members", func(f *fixture) {
			was, is := f.member("web-1"), f.member("web-1")
			was.Stages = nil
			f.announce(f.first, was, long)
			f.leave(f.first, was)
			f.announce(f.first, is, long)
			f.same(f.find(f.second, is), is)
			if s := f.find(f.second, was); s.Live || s.Stage("x") != fleet.Before {
				f.Errorf("the first of two: %+v, want it gone, and as it was", s)
			}
		}},
		{"odd names are kept to the byte", func(f *fixture) {
			for _, name := range oddNames() {
				m := f.member(name)
				m.Version, m.Build = name, name
				m.Stages = map[string]fleet.Stage{name: fleet.Old}
				f.announce(f.first, m, long)
				f.same(f.find(f.second, m), m)
				f.leave(f.second, m)
			}
		}},
	}
}

func oddNames() []string {
	return []string{
		"", " ", "?", "??", "a'b", `a"b`, `back\slash`, "a{b}c", "{}", "%", "%s", "a:b", "*", "[a]",
		"ünï-code 東京 🎵", "tab\there", "<&>", "null", "\u2028", strings.Repeat("x", 200),
	}
}

// same checks that a member is live and as it has announced itself.
func (f *fixture) same(got fleet.Sighting, want fleet.Member) {
	f.Helper()
	if !got.Live || got.Gone != 0 {
		f.Errorf("%q is not live: %+v", want.Instance, got)
	}
	if got.Seen > got.Joined || got.Seen < 0 {
		f.Errorf("%q was seen %s ago and joined %s ago", want.Instance, got.Seen, got.Joined)
	}
	m := got.Member
	equal := m.Instance == want.Instance && m.Term == want.Term && m.App == want.App && m.Version == want.Version && m.Build == want.Build &&
		m.Started.Equal(want.Started) && maps.Equal(m.Stages, want.Stages) && maps.Equal(m.Next, want.Next) && maps.Equal(m.Asked, want.Asked)
	if !equal {
		f.Errorf("the member is seen as\n%+v, want\n%+v", m, want)
	}
}
