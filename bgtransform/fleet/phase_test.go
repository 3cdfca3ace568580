package fleet_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// phases are the stages that an instance with the move may be in.
func phases() []fleet.Stage {
	return []fleet.Stage{fleet.Old, fleet.Fallback, fleet.Compare, fleet.New}
}

func ask(now, want fleet.Stage) fleet.Ask {
	return fleet.Ask{Move: move, Term: "me", Now: now, Want: want}
}

func TestStep(t *testing.T) {
	t.Parallel()
	behind := ask(fleet.New, fleet.New)
	behind.Behind = true
	unmoved := func(now, want fleet.Stage) fleet.Ask {
		a := ask(now, want)
		a.Unmoved = true
		return a
	}
	for name, test := range map[string]struct {
		ask   fleet.Ask
		other []fleet.Sighting
		want  fleet.Step
	}{
		"alone, a step at a time": {
			ask(fleet.Old, fleet.New), nil,
			fleet.Step{Stage: fleet.Fallback, Why: "new is asked for, and fallback held: one step at a time", Moving: true},
		},
		"alone, arrived": {ask(fleet.New, fleet.New), nil, fleet.Step{Stage: fleet.New}},
		"a neighbour holds it": {
			ask(fleet.Fallback, fleet.New),
			[]fleet.Sighting{member("web-2", fleet.Old)},
			fleet.Step{Stage: fleet.Fallback, Why: "new is asked for, and fallback held: web-2 (version 1.4) is in old", Moving: true},
		},
		"a neighbour holds it back": {
			ask(fleet.Compare, fleet.Old),
			[]fleet.Sighting{member("web-2", fleet.New)},
			fleet.Step{Stage: fleet.Compare, Why: "old is asked for, and compare held: web-2 (version 1.4) is in new", Moving: true},
		},
		"back": {
			ask(fleet.Compare, fleet.Old),
			[]fleet.Sighting{member("web-2", fleet.Compare)},
			fleet.Step{Stage: fleet.Fallback, Why: "old is asked for, and fallback held: web-2 (version 1.4) is in compare", Moving: true},
		},
		"it has just joined": {
			ask(fleet.Old, fleet.New),
			[]fleet.Sighting{member("web-2", fleet.New)},
			fleet.Step{Stage: fleet.Compare, Why: "new is asked for, and compare held: one step at a time", Far: true, Moving: true},
		},
		"a before beside it": {
			ask(fleet.New, fleet.New),
			[]fleet.Sighting{member("web-2", fleet.New), member("web-3", fleet.Before)},
			fleet.Step{Stage: fleet.Old, Why: "new is asked for, and old held: web-3 (version 1.4) is in before", Urgent: true},
		},
		"rows are behind": {
			behind, nil,
			fleet.Step{Stage: fleet.Old, Why: "new is asked for, and old held: what instances wrote that write only the old column has not been transformed since", Urgent: true},
		},
		"rows are not moved": {
			unmoved(fleet.Compare, fleet.New), nil,
			fleet.Step{Stage: fleet.Compare, Why: "new is asked for, and compare held: rows are left that have not been moved"},
		},
		"rows are not moved any more": {
			unmoved(fleet.New, fleet.New), nil,
			fleet.Step{Stage: fleet.Compare, Why: "new is asked for, and compare held: rows are left that have not been moved", Far: true},
		},
		"rows are not moved, and it is on its way": {
			unmoved(fleet.Old, fleet.New), nil,
			fleet.Step{Stage: fleet.Fallback, Why: "new is asked for, and fallback held: one step at a time", Moving: true},
		},
		"rows are not moved, and an after beside it": {
			unmoved(fleet.Fallback, fleet.Fallback),
			[]fleet.Sighting{member("web-5", fleet.After)},
			fleet.Step{Stage: fleet.Fallback, Why: "the pool is in phases that may not live side by side: rows are left that have not been moved, web-5 (version 1.4) is in after", Conflict: true},
		},
		"an after beside it": {
			ask(fleet.New, fleet.New), []fleet.Sighting{member("web-5", fleet.After)}, fleet.Step{Stage: fleet.New},
		},
		"an after, and old is wanted": {
			ask(fleet.New, fleet.Old),
			[]fleet.Sighting{member("web-5", fleet.After)},
			fleet.Step{Stage: fleet.New, Why: "old is asked for, and new held: web-5 (version 1.4) is in after", Conflict: true},
		},
		"an after, and it is in old": {
			ask(fleet.Old, fleet.Old),
			[]fleet.Sighting{member("web-5", fleet.After)},
			fleet.Step{Stage: fleet.New, Why: "old is asked for, and new held: web-5 (version 1.4) is in after", Conflict: true, Far: true},
		},
		"a before and an after": {
			ask(fleet.Fallback, fleet.New),
			[]fleet.Sighting{member("web-3", fleet.Before), member("web-5", fleet.After)},
			fleet.Step{Stage: fleet.Fallback, Why: "no phase is right: web-3 (version 1.4) is in before, web-5 (version 1.4) is in after", Conflict: true},
		},
		"others too far apart": {
			ask(fleet.Fallback, fleet.Fallback),
			[]fleet.Sighting{member("web-2", fleet.Old), member("web-4", fleet.New)},
			fleet.Step{Stage: fleet.Fallback, Why: "the pool is in phases that may not live side by side: web-2 (version 1.4) is in old, web-4 (version 1.4) is in new", Conflict: true},
		},
	} {
		pool := append(fleet.Pool{member("me", test.ask.Now)}, test.other...)
		if got := pool.Step(test.ask, fleet.Rules{}); got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, test.want)
		}
	}
}

// A young pool may be one that has lost its memory: nobody advances in it.
func TestNobodyAdvancesInAYoungPool(t *testing.T) {
	t.Parallel()
	me := member("me", fleet.Fallback)
	me.Joined = time.Second
	got := fleet.Pool{me}.Step(ask(fleet.Fallback, fleet.New), fleet.Rules{})
	if got.Stage != fleet.Fallback || got.Conflict || got.Why == "" {
		t.Errorf("forward: %+v", got)
	}
	if got = (fleet.Pool{me}).Step(ask(fleet.Fallback, fleet.Old), fleet.Rules{}); got.Stage != fleet.Old {
		t.Errorf("back: %+v", got)
	}
}

// For every pair of stages, wanted or not: who follows the answer is beside the other, or
// in old because that alone is right; and it says why whenever it is not where it wants to be.
func TestStepForEveryPairOfStages(t *testing.T) {
	t.Parallel()
	for _, other := range fleet.Stages() {
		for _, now := range phases() {
			for _, want := range phases() {
				got := fleet.Pool{member("me", now), member("other", other)}.Step(ask(now, want), fleet.Rules{})
				at := fmt.Sprintf("%s, wants %s, beside %s: %+v", now, want, other, got)
				if !got.Stage.WritesBoth() || !got.Stage.Beside(other) {
					t.Errorf("%s: may not live there", at)
				}
				if (got.Why == "") != (got.Stage == want) {
					t.Errorf("%s: says why, if and only if it is not where it wants to be", at)
				}
				if other == fleet.Before && got.Stage != fleet.Old {
					t.Errorf("%s: only old is right", at)
				}
				if now.Beside(other) && want.Beside(other) && other != fleet.Before && got.Stage == now && now != want {
					t.Errorf("%s: nothing keeps it", at)
				}
			}
		}
	}
}

// Many instances that ask for random phases, announce what they are about to do, and
// look again before they do it, in any order, are never more than one stage apart.
func TestPoolsStayTogether(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		pool := make(fleet.Pool, 2+rng.IntN(4))
		movers := make([]mover, len(pool))
		for i := range pool {
			pool[i], movers[i] = member(fmt.Sprint(i), fleet.Old), mover{want: fleet.Old}
		}
		for range 1000 {
			i := rng.IntN(len(pool))
			if rng.IntN(50) == 0 {
				movers[i].want = phases()[rng.IntN(4)]
			}
			movers[i].act(pool, i)
			for _, a := range pool {
				for _, b := range pool {
					if !a.Stage(move).Beside(b.Stage(move)) {
						t.Fatalf("seed %d: %s is in %s beside %s in %s", seed, a, a.Stage(move), b, b.Stage(move))
					}
				}
			}
		}
		for i := range movers {
			movers[i].want = fleet.New
		}
		for range 300 * len(pool) {
			i := rng.IntN(len(pool))
			movers[i].act(pool, i)
		}
		for _, m := range pool {
			if m.Stage(move) != fleet.New {
				t.Fatalf("seed %d: %s never came to new, but to %s", seed, m, m.Stage(move))
			}
		}
	}
}

// mover changes the stage of one member, in four acts between which anybody else may act.
type mover struct {
	want fleet.Stage
	turn int         // which is next
	next fleet.Stage // what it has decided on
}

func (m *mover) act(pool fleet.Pool, i int) {
	me := &pool[i]
	now := me.Stage(move)
	look := func() fleet.Stage {
		return pool.Step(fleet.Ask{Move: move, Term: me.Term, Now: now, Want: m.want}, fleet.Rules{}).Stage
	}
	switch m.turn {
	case 0:
		if m.next = look(); m.next == now {
			return
		}
	case 1:
		me.Next = map[string]fleet.Stage{move: m.next}
	case 2:
		if look() != m.next {
			m.next = now
		}
	case 3:
		me.Stages, me.Next = map[string]fleet.Stage{move: m.next}, nil
	}
	m.turn = (m.turn + 1) % 4
}
