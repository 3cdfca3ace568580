package fleet_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

func TestAdmit(t *testing.T) {
	t.Parallel()
	var (
		before = []fleet.Stage{fleet.Before}
		both   = []fleet.Stage{fleet.Old, fleet.Fallback, fleet.Compare}
		all    = append(both[:3:3], fleet.New)
		only   = []fleet.Stage{fleet.New}
		after  = []fleet.Stage{fleet.After}
	)
	moving := member("web-1", fleet.Old)
	moving.Next = map[string]fleet.Stage{move: fleet.Fallback}
	for name, test := range map[string]struct {
		can  []fleet.Stage
		pool fleet.Pool
		want []string // parts of why not; none: it may
	}{
		"nobody is there":                   {before, nil, nil},
		"before beside old":                 {before, fleet.Pool{member("web-1", fleet.Old), member("web-2", fleet.Before)}, nil},
		"before beside one on its way":      {before, fleet.Pool{moving}, []string{"web-1 (version 1.4) is alive and in stage fallback of track-length-ms, and reads the new column, which this version does not write"}},
		"before beside compare":             {before, fleet.Pool{member("web-1", fleet.Compare)}, []string{"tune track-length-ms phase=old"}},
		"before beside new":                 {before, fleet.Pool{member("web-1", fleet.New)}, []string{"or deploy a version in between"}},
		"before beside after":               {before, fleet.Pool{member("web-1", fleet.After)}, []string{"web-1 (version 1.4) writes only the new column", "reads are in phase new"}},
		"before after after":                {before, fleet.Pool{gone(member("web-1", fleet.After), time.Hour)}, []string{"wrote only the new column"}},
		"before after compare":              {before, fleet.Pool{gone(member("web-1", fleet.Compare), time.Second)}, nil},
		"its own former life":               {before, fleet.Pool{member("web-9", fleet.New)}, nil},
		"both beside each that has both":    {both, fleet.Pool{member("web-1", fleet.Old), member("web-2", fleet.Fallback)}, nil},
		"both beside new":                   {both, fleet.Pool{member("web-1", fleet.New)}, nil},
		"both beside before":                {both, fleet.Pool{member("web-1", fleet.Before)}, nil},
		"both after after":                  {both, fleet.Pool{gone(member("web-1", fleet.After), time.Hour), member("web-2", fleet.New)}, []string{"wrote only the new column"}},
		"new beside after":                  {all, fleet.Pool{member("web-1", fleet.After)}, nil},
		"new alone beside before":           {only, fleet.Pool{member("web-1", fleet.Before)}, []string{"writes only the old column, which this version does not read", "replace it first by a version that writes both columns"}},
		"new alone beside old":              {only, fleet.Pool{member("web-1", fleet.Old)}, []string{"is too far from new", "tune track-length-ms phase=compare"}},
		"new alone beside compare":          {only, fleet.Pool{member("web-1", fleet.Compare)}, nil},
		"after beside before":               {after, fleet.Pool{member("web-1", fleet.Before)}, []string{"reads the old column, which this version does not write", "replace it first"}},
		"after beside compare":              {after, fleet.Pool{member("web-1", fleet.Compare)}, []string{"tune track-length-ms phase=new"}},
		"after beside new":                  {after, fleet.Pool{member("web-1", fleet.New), member("web-2", fleet.After)}, nil},
		"beside what does not go together":  {all, fleet.Pool{member("web-1", fleet.Before), member("web-2", fleet.Compare)}, []string{"web-2 (version 1.4) is alive and in stage compare", "no version fits beside both"}},
		"beside a stage of a later version": {both, fleet.Pool{member("web-1", "later")}, []string{"in stage later", "does not know that stage; deploy a version that does"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := test.pool.Admit(fleet.Newcomer{Move: move, Instance: "web-9", Can: test.can})
			if v.OK != (test.want == nil) || v.Conflict == v.OK || (v.Why == "") != v.OK {
				t.Errorf("the verdict is %+v", v)
			}
			for _, part := range test.want {
				if !strings.Contains(v.Why, part) {
					t.Errorf("it says %q, want %q in it", v.Why, part)
				}
			}
		})
	}
}

func TestMoves(t *testing.T) {
	t.Parallel()
	other := member("web-2", fleet.Old)
	other.Stages = map[string]fleet.Stage{"b": fleet.Old, "a": fleet.Before}
	pool := fleet.Pool{gone(member("web-1", fleet.New), time.Hour), other}
	if got := pool.Moves(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the moves are %q, want b: nobody who knows another is there", got)
	}
	pool[0] = gone(member("web-1", fleet.After), time.Hour)
	if got := pool.Moves(); !slices.Equal(got, []string{"b", move}) {
		t.Errorf("the moves are %q, want that of an instance too that wrote the new column alone", got)
	}
}
