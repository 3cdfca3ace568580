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
		"one of two":                            {fleet.Pool{there("web-1", fleet.New, 15, 0), there("web-8", fleet.Before, 99, 40), there("web-9", fleet.Before, 5, 2)}, true},
	} {
		s, got := test.pool.Disputed(move, walked*time.Minute)
		if got != test.want || got && s.Instance != "web-9" {
			t.Errorf("%s: %t, %s", name, got, s)
		}
	}
}
