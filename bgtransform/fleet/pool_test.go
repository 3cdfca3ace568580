package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

const move = "track-length-ms"

// member is one that is live in a stage, and has been for an hour.
func member(name string, s fleet.Stage) fleet.Sighting {
	m := fleet.Member{Instance: name, Term: name, Version: "1.4", Stages: map[string]fleet.Stage{move: s}}
	if s == fleet.Before {
		m.Stages = nil
	}
	return fleet.Sighting{Member: m, Live: true, Joined: time.Hour, Seen: 3 * time.Second}
}

// gone makes of a member one that has been gone for d.
func gone(s fleet.Sighting, d time.Duration) fleet.Sighting {
	s.Live, s.Gone, s.Seen = false, d, d
	return s
}

func TestStart(t *testing.T) {
	t.Parallel()
	young := member("web-1", fleet.Old)
	young.Joined = 20 * time.Second
	for name, test := range map[string]struct {
		pool fleet.Pool
		want fleet.Verdict
	}{
		"all write both": {
			fleet.Pool{member("web-1", fleet.Old), member("web-2", fleet.Fallback)}, fleet.Verdict{OK: true},
		},
		"one does not": {
			fleet.Pool{member("web-1", fleet.Old), member("web-3", fleet.Before)},
			fleet.Verdict{Why: "waits for 1 instance that writes only the old column: web-3 (version 1.4), last seen 3 s ago"},
		},
		"several do not": {
			fleet.Pool{member("web-4", fleet.Before), member("web-1", fleet.Old), member("web-3", fleet.Before)},
			fleet.Verdict{Why: "waits for 2 instances that write only the old column: web-3 (version 1.4), last seen 3 s ago, and 1 more"},
		},
		"a stage of a later version": {
			fleet.Pool{member("web-1", fleet.Old), member("web-3", "later")},
			fleet.Verdict{Why: "waits for 1 instance that writes only the old column: web-3 (version 1.4), last seen 3 s ago"},
		},
		"it has just left": {
			fleet.Pool{member("web-1", fleet.Old), gone(member("web-3", fleet.Before), 20*time.Second)},
			fleet.Verdict{Why: "web-3 (version 1.4) wrote only the old column until 20 s ago; goes on 1m0s after the last such instance", In: 40 * time.Second},
		},
		"it left a while ago": {
			fleet.Pool{member("web-1", fleet.Old), gone(member("web-3", fleet.Before), time.Minute)}, fleet.Verdict{OK: true},
		},
		"the pool is young": {
			fleet.Pool{young},
			fleet.Verdict{Why: "the pool has been announcing itself for 20 s, and must for 5m0s: a version of the app without this library announces nothing", In: 4*time.Minute + 40*time.Second},
		},
		"all were replaced": {
			fleet.Pool{young, gone(member("web-1", fleet.Old), 30*time.Second)}, fleet.Verdict{OK: true},
		},
		"nobody is there": {nil, fleet.Verdict{Why: "no instance has announced itself", In: time.Second}},
		"one is contracted": {
			fleet.Pool{member("web-1", fleet.New), member("web-5", fleet.After)},
			fleet.Verdict{Why: "web-5 (version 1.4) writes only the new column, so the old one is out of date, and a transform would overwrite new values with it: it must not be deployed before the transform is complete; roll it back to a version that writes both", Conflict: true},
		},
		"one was contracted": {
			fleet.Pool{member("web-1", fleet.New), gone(member("web-5", fleet.After), time.Hour)},
			fleet.Verdict{Why: "web-5 (version 1.4) writes only the new column, so the old one is out of date, and a transform would overwrite new values with it: it left 1h0m0s ago", Conflict: true},
		},
	} {
		if got := test.pool.Start(move, fleet.Rules{}); got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, test.want)
		}
	}
}

// Whatever the stages of two instances, rows are transformed only where both write both.
func TestStartForEveryPairOfStages(t *testing.T) {
	t.Parallel()
	for _, a := range fleet.Stages() {
		for _, b := range fleet.Stages() {
			v := fleet.Pool{member("a", a), member("b", b)}.Start(move, fleet.Rules{})
			if want := a.WritesBoth() && b.WritesBoth(); v.OK != want {
				t.Errorf("%s beside %s: may start %t, want %t", a, b, v.OK, want)
			}
			if !v.OK && v.Why == "" {
				t.Errorf("%s beside %s: nobody says why not", a, b)
			}
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	at := func(joined, left time.Duration) fleet.Sighting {
		s := member(fmt.Sprint(joined), fleet.Old)
		s.Joined = joined
		if left > 0 {
			return gone(s, left)
		}
		return s
	}
	for name, test := range map[string]struct {
		pool fleet.Pool
		want time.Duration
	}{
		"nobody":                 {nil, 0},
		"one":                    {fleet.Pool{at(time.Second, 0)}, time.Second},
		"the oldest of two":      {fleet.Pool{at(time.Second, 0), at(time.Hour, 0)}, time.Hour},
		"one after the other":    {fleet.Pool{at(time.Hour, time.Minute), at(2*time.Minute, 0)}, time.Hour},
		"a gap that is short":    {fleet.Pool{at(time.Hour, 4*time.Minute), at(time.Minute, 0)}, time.Hour},
		"a gap that is long":     {fleet.Pool{at(time.Hour, 10*time.Minute), at(time.Minute, 0)}, time.Minute},
		"several short gaps":     {fleet.Pool{at(20*time.Minute, 12*time.Minute), at(8*time.Minute, 4*time.Minute), at(time.Minute, 0)}, 20 * time.Minute},
		"nobody has been for it": {fleet.Pool{at(time.Hour, 10*time.Minute)}, 0},
	} {
		if got := test.pool.Age(5 * time.Minute); got != test.want {
			t.Errorf("%s: age %s, want %s", name, got, test.want)
		}
	}
}

func TestCleared(t *testing.T) {
	t.Parallel()
	old := member("web-3", fleet.Before)
	for name, test := range map[string]struct {
		pool fleet.Pool
		want bool
	}{
		"there was none":               {fleet.Pool{member("web-1", fleet.Old)}, true},
		"it is there":                  {fleet.Pool{old}, false},
		"it left before the walk":      {fleet.Pool{gone(old, 2*time.Minute)}, true},
		"it left during the walk":      {fleet.Pool{gone(old, 30*time.Second)}, false},
		"the last of several counts":   {fleet.Pool{gone(old, 2*time.Minute), gone(old, 30*time.Second)}, false},
		"it knows the other move only": {fleet.Pool{gone(fleet.Sighting{Member: fleet.Member{Stages: map[string]fleet.Stage{"x": fleet.Old}}}, time.Second)}, false},
	} {
		if got := test.pool.Cleared(move, time.Minute); got != test.want {
			t.Errorf("%s: cleared %t, want %t", name, got, test.want)
		}
	}
}

func TestContractForEveryStage(t *testing.T) {
	t.Parallel()
	for _, s := range fleet.Stages() {
		v := fleet.Pool{member("me", fleet.After), member("web-2", s)}.Contract(move, "me")
		if want := s == fleet.New || s == fleet.After; v.OK != want {
			t.Errorf("after beside %s: %+v, want OK %t", s, v, want)
		}
	}
	v := fleet.Pool{member("web-2", fleet.Fallback)}.Contract(move, "")
	if want := "1 instance still reads the old column: web-2 (version 1.4) is in fallback"; v.Why != want || !v.Conflict {
		t.Errorf("%+v, want a conflict: %s", v, want)
	}
	left := gone(member("web-2", fleet.Old), time.Second)
	if v := (fleet.Pool{left}).Contract(move, ""); !v.OK {
		t.Errorf("an instance that has left needs nothing: %+v", v)
	}
}

func TestAgedAndOf(t *testing.T) {
	t.Parallel()
	other := member("other", fleet.Before)
	other.App = "worker"
	p := fleet.Pool{member("a", fleet.Old), gone(member("b", fleet.Before), time.Second), other}
	if got := p.Of("worker"); len(got) != 1 || got[0].Instance != "other" {
		t.Errorf("of worker: %v", got)
	}
	aged := p.Of("").Aged(time.Minute)
	if a, b := aged[0], aged[1]; a.Joined != time.Hour+time.Minute || a.Gone != 0 || b.Gone != time.Minute+time.Second {
		t.Errorf("a minute later: %+v", aged)
	}
	if p[0].Joined != time.Hour {
		t.Error("the pool itself has changed")
	}
}

// Of those that are gone, a hundred of each kind are remembered, and none for too long.
func TestForgotten(t *testing.T) {
	t.Parallel()
	var all []fleet.Sighting
	for i := range 150 {
		s := gone(member(fmt.Sprintf("crash-%03d", i), fleet.Old), time.Duration(i)*time.Second)
		s.Stages[move] = []fleet.Stage{fleet.Old, fleet.Fallback}[i%2] // the phase makes no kind
		all = append(all, s)
	}
	all = append(all, gone(member("before", fleet.Before), time.Hour), gone(member("ancient", fleet.Before), 8*24*time.Hour), member("live", fleet.Old))
	terms := fleet.Forgotten(all, fleet.Retention)
	slices.Sort(terms)
	if len(terms) != 51 || terms[0] != "ancient" || terms[1] != "crash-100" || terms[50] != "crash-149" {
		t.Errorf("%d forgotten: %v", len(terms), terms)
	}
}

func TestMemberString(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]fleet.Member{
		"web-3 (version 1.4)":        {Instance: "web-3", Version: "1.4", Build: "0123"},
		"web-3 (build 0123456789ab)": {Instance: "web-3", Build: "0123456789abcdef"},
		"web-3":                      {Instance: "web-3"},
	} {
		if m.String() != want {
			t.Errorf("%q, want %q", m, want)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	if err := (fleet.Rules{}).Validate(); err != nil {
		t.Errorf("no rules: %v", err)
	}
	err := fleet.Rules{Every: time.Minute, Settle: -1, TTL: time.Minute, Trust: time.Second}.Validate()
	want := "Settle is -1ns; it must be at least 1ns\nTrust is 1s; it must be at least 1m0s\nTTL is 1m0s; it must be at least 3m0s"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
