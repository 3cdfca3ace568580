package fleet_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// there returns a member that joined, and was gone, some minutes ago; live if gone is 0.
func there(name string, stage fleet.Stage, joined, left int) fleet.Sighting {
	s := member(name, stage)
	s.Joined, s.Gone, s.Live = time.Duration(joined)*time.Minute, time.Duration(left)*time.Minute, left == 0
	return s
}

// fled returns a sighting of a member that went to old at once.
func fled(s fleet.Sighting, from fleet.Stage) fleet.Sighting {
	s.Fled = map[string]fleet.Stage{move: from}
	return s
}

// Whether anybody can tell what a before wrote: it is an old version as long as the pool's
// reads were short of new.
func TestDisputed(t *testing.T) {
	t.Parallel()
	const walked = 30 // minutes ago
	for name, test := range map[string]struct {
		pool fleet.Pool
		want bool
	}{
		"nobody was there":                      {fleet.Pool{there("web-1", fleet.New, 90, 0)}, false},
		"it is beside new":                      {fleet.Pool{there("web-1", fleet.New, 90, 0), there("web-9", fleet.Before, 5, 0)}, true},
		"it was beside new":                     {fleet.Pool{there("web-1", fleet.New, 90, 0), there("web-9", fleet.Before, 5, 2)}, true},
		"they have left for old meanwhile":      {fleet.Pool{fled(there("web-1", fleet.Old, 90, 0), fleet.New), there("web-9", fleet.Before, 5, 2)}, true},
		"it came first, and new came to it":     {fleet.Pool{there("web-1", fleet.New, 4, 0), there("web-9", fleet.Before, 5, 2)}, true},
		"who was in new has left before it did": {fleet.Pool{there("web-1", fleet.New, 90, 4), there("web-9", fleet.Before, 5, 0)}, true},
		"the last before it was in new":         {fleet.Pool{there("web-0", fleet.Old, 99, 20), there("web-1", fleet.New, 90, 6), there("web-9", fleet.Before, 5, 0)}, true},
		"the last before it was in old":         {fleet.Pool{there("web-1", fleet.New, 90, 20), there("web-2", fleet.Old, 25, 6), there("web-9", fleet.Before, 5, 0)}, false},
		"back in old, and then it":              {fleet.Pool{there("web-1", fleet.New, 90, 20), there("web-2", fleet.Old, 25, 0), there("web-9", fleet.Before, 5, 0)}, false},
		"beside compare":                        {fleet.Pool{there("web-1", fleet.Compare, 90, 0), there("web-9", fleet.Before, 5, 0)}, false},
		"they have left compare for old":        {fleet.Pool{fled(there("web-1", fleet.Old, 90, 0), fleet.Compare), there("web-9", fleet.Before, 5, 0)}, false},
		"it had gone when the walk began":       {fleet.Pool{there("web-1", fleet.New, 90, 0), there("web-9", fleet.Before, 50, 40)}, false},
		"alone after new, until after came":     {fleet.Pool{there("web-1", fleet.New, 90, 20), there("web-9", fleet.Before, 10, 5), there("web-6", fleet.After, 6, 0)}, true},
		"the version after after":               {fleet.Pool{there("web-1", fleet.New, 90, 20), there("web-6", fleet.After, 15, 0), there("web-9", fleet.Before, 5, 0)}, false},
		"one of two":                            {fleet.Pool{there("web-1", fleet.New, 15, 0), there("web-8", fleet.Before, 99, 40), there("web-9", fleet.Before, 5, 2)}, true},
	} {
		s, got := test.pool.Disputed(move, walked*time.Minute)
		if got != test.want || got && s.Instance != "web-9" {
			t.Errorf("%s: %t, %s", name, got, s)
		}
	}
}

// of returns a sighting of a member of a version, and of what that was built from.
func of(s fleet.Sighting, version, build string) fleet.Sighting {
	s.Version, s.Build = version, build
	return s
}

// What a before wrote is known once its very version was seen without the old column, and
// not by a name that other versions have as well, or that nobody has given.
func TestExplained(t *testing.T) {
	t.Parallel()
	const walked = 30 // minutes ago
	reads := of(there("web-1", fleet.New, 90, 0), "3", "c")
	wrong, right := of(there("web-9", fleet.Before, 5, 2), "4", "d"), of(there("web-9", fleet.After, 1, 0), "4", "d")
	for name, test := range map[string]struct {
		pool fleet.Pool
		want bool
	}{
		"the right one has not come":        {fleet.Pool{reads, wrong}, false},
		"it has":                            {fleet.Pool{reads, wrong, right}, true},
		"it has, and is gone":               {fleet.Pool{reads, wrong, of(there("web-8", fleet.After, 3, 1), "4", "d")}, true},
		"beside the wrong one":              {fleet.Pool{reads, of(there("web-8", fleet.Before, 5, 0), "4", "d"), right}, true},
		"of another version":                {fleet.Pool{reads, of(there("web-9", fleet.Before, 5, 2), "1", "d"), right}, false},
		"of another build":                  {fleet.Pool{reads, of(there("web-9", fleet.Before, 5, 2), "4", "a"), right}, false},
		"of no version at all":              {fleet.Pool{reads, of(there("web-9", fleet.Before, 5, 2), "", ""), of(right, "", "")}, false},
		"of a version that writes both too": {fleet.Pool{of(reads, "4", "d"), wrong, right}, false},
		"of one that was there long before": {fleet.Pool{of(there("web-0", fleet.Before, 200, 150), "4", "d"), reads, wrong, right}, false},
		"one of two":                        {fleet.Pool{reads, wrong, right, of(there("web-7", fleet.Before, 9, 8), "1", "a")}, false},
		"nobody was there":                  {fleet.Pool{reads, right}, false},
	} {
		s, got := test.pool.Explained(move, walked*time.Minute)
		if got != test.want || got && s.Version != "4" {
			t.Errorf("%s: %t, %s", name, got, s)
		}
		if d, found := test.pool.Disputed(move, walked*time.Minute); found == test.want && name != "nobody was there" {
			t.Errorf("%s: in dispute is %t, %s", name, found, d)
		}
	}
}

// Who was there when a human spoke is not asked about again, whether it has left or not.
func TestDisputedNewcomer(t *testing.T) {
	t.Parallel()
	pool := fleet.Pool{there("web-1", fleet.New, 90, 0), there("web-8", fleet.Before, 20, 0), there("web-9", fleet.Before, 20, 3)}
	if s, found := pool.DisputedNewcomer(move, 10*time.Minute); found {
		t.Errorf("%s was there before", s)
	}
	if _, found := pool.DisputedNewcomer(move, 30*time.Minute); !found {
		t.Error("those who came later are not found")
	}
	if pool.Remembers(95*time.Minute) || !pool.Remembers(80*time.Minute) {
		t.Error("its memory reaches back to 90 minutes ago")
	}
}
