package bgtransform_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// phases are the phases that the instances of a pool are in, of which no two may be
// further apart than one step.
type phases struct {
	mu  sync.Mutex
	in  map[string]dualread.Phase
	bad []string
}

// follow is a column that is held by the engine, and tells phases where it goes.
type follow struct {
	*dualread.Column[Track, int64]
	name string
	all  *phases
}

func (f follow) Enter(p dualread.Phase) error {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	err := f.Column.Enter(p)
	f.all.in[f.name] = p
	for name, other := range f.all.in {
		if !dualread.Adjacent(p, other) {
			f.all.bad = append(f.all.bad, fmt.Sprintf("%s went to %s while %s was in %s", f.name, p, name, other))
		}
	}
	return err
}

type followed struct {
	dualSQL
	column follow
}

func (f followed) DualColumn() bgtransform.DualColumn { return f.column }

// joins starts an instance whose phase is followed.
func (p *phases) joins(t testing.TB, db *bun.DB, name string, asked dualread.Phase) (*instance, *dualread.Column[Track, int64]) {
	t.Helper()
	move, column := moves(t)
	must(t, column.SetPhase(asked))
	in := start(t, db, member(t, name, "1.5"), followed{move, follow{column, name, p}})
	return in, column
}

func newPhases(t testing.TB) *phases {
	t.Helper()
	p := &phases{in: map[string]dualread.Phase{}}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.bad) > 0 {
			t.Errorf("phases were too far apart: %s", strings.Join(p.bad, "; "))
		}
	})
	return p
}

// Three instances come to another phase step by step, none further than one from another;
// who is held up says by whom.
func TestFleetPhasesAdvanceTogether(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 20)
		p := newPhases(t)
		var pool []*instance
		var columns []*dualread.Column[Track, int64]
		for _, name := range []string{"web-1", "web-2", "web-3"} {
			in, column := p.joins(t, db, name, dualread.PhaseOld)
			pool, columns = append(pool, in), append(columns, column)
			untilKnown(t, in.Control(), name, true)
		}
		pool[0].untilState("x", bgtransform.StateComplete)
		must(t, columns[0].SetPhase(dualread.PhaseNew))
		held := func(in *instance, at dualread.Phase, by string) {
			t.Helper()
			st := in.untilPhases("x", "held at "+at.String(), func(st bgtransform.PhaseStatus) bool {
				return st.Held == at && st.Asked != at && strings.Contains(st.Reason.Text, by)
			})
			if st.Reason.Code != bgtransform.ReasonFleet || st.Conflict {
				t.Errorf("%s is held by %+v", in.Instance(), st)
			}
		}
		held(pool[0], dualread.PhaseFallback, "is in old")
		must(t, columns[1].SetPhase(dualread.PhaseNew))
		held(pool[1], dualread.PhaseFallback, "web-3 (version 1.5) is in old")
		must(t, columns[2].SetPhase(dualread.PhaseNew))
		for _, in := range pool {
			if st := in.untilPhase("x", dualread.PhaseNew); st.Asked != dualread.PhaseNew {
				t.Errorf("%s: %+v", in.Instance(), st)
			}
		}
		must(t, columns[1].SetPhase(dualread.PhaseOld)) // a rollback
		held(pool[1], dualread.PhaseCompare, "is in new")
		for _, c := range columns {
			must(t, c.SetPhase(dualread.PhaseOld))
		}
		for _, in := range pool {
			in.untilPhase("x", dualread.PhaseOld)
		}
	})
}

// An instance that joins a pool in phase new comes to the nearest phase that is allowed,
// whatever it asks for.
func TestFleetPhaseOfAnInstanceThatJoins(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	p := newPhases(t)
	first, _ := p.joins(t, db, "web-1", dualread.PhaseNew)
	first.untilPhase("x", dualread.PhaseNew)
	second, _ := p.joins(t, db, "web-2", dualread.PhaseNew)
	second.untilPhase("x", dualread.PhaseNew)

	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseOld))
	third := start(t, db, member(t, "web-3", "1.5"), move)
	st := third.untilPhase("x", dualread.PhaseCompare)
	if !strings.Contains(st.Reason.Text, "old is asked for, and compare held: web-1 (version 1.5) is in new") {
		t.Errorf("it is held by %+v", st)
	}
}

// New is not entered before all rows are moved, not even beside an instance that writes
// only the new column: reads that fall back are right for all of them.
func TestFleetPhaseWaitsForTheRows(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	cfg := member(t, "web-1", "1.5")
	cfg.Environ = []string{"BGTRANSFORM_WINDOW=never"}
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseNew))
	in := start(t, db, cfg, move)
	in.untilPhases("x", "held at compare", func(st bgtransform.PhaseStatus) bool {
		return st.Held == dualread.PhaseCompare && strings.HasSuffix(st.Reason.Text, "rows are left that have not been moved")
	})
	cfg = member(t, "web-5", "1.6")
	cfg.Contracted = []string{"x"}
	start(t, db, cfg, plain())
	st := in.untilPhases("x", "in conflict", func(st bgtransform.PhaseStatus) bool { return st.Conflict })
	if st.Held != dualread.PhaseCompare {
		t.Errorf("beside an instance without the old column: %+v", st)
	}
}

// A flag wins over the code, and an operator over the flag.
func TestFleetPhaseByFlagAndOperator(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	cfg := member(t, "web-1", "1.5")
	cfg.Environ = []string{"BGTRANSFORM_PHASE__X=fallback", "BGTRANSFORM_ENABLED__X=false"} // nor has it to run it
	move, column := moves(t)
	in := start(t, db, cfg, move)
	must(t, column.SetPhase(dualread.PhaseNew))
	st := in.untilPhase("x", dualread.PhaseFallback)
	if st.Asked != dualread.PhaseFallback || !st.Reason.IsZero() {
		t.Errorf("by the flag: %+v", st)
	}
	by := bgtransform.By{Who: "ann", Why: "to compare"}
	must(t, in.Control().Tune(t.Context(), "x", by, map[bgtransform.Setting]string{bgtransform.SettingPhase: "compare"}))
	in.untilPhases("x", "compare by the operator", func(st bgtransform.PhaseStatus) bool {
		return st.Asked == dualread.PhaseCompare && st.Held == dualread.PhaseCompare
	})
	must(t, in.Control().Untune(t.Context(), "x", by))
	in.untilPhase("x", dualread.PhaseFallback)
}

// Until the pool was seen, reads are one step before the phase asked for.
func TestFleetPhaseBeforeThePoolWasSeen(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1)
	for asked, want := range map[dualread.Phase]dualread.Phase{
		dualread.PhaseOld: dualread.PhaseOld, dualread.PhaseFallback: dualread.PhaseOld,
		dualread.PhaseCompare: dualread.PhaseFallback, dualread.PhaseNew: dualread.PhaseCompare,
	} {
		s, err := bgtransform.New(db, quick(t))
		must(t, err)
		move, column := moves(t)
		must(t, column.SetPhase(asked))
		must(t, s.Register(move))
		st := s.Phases()[0]
		if column.Phase() != want || st.Held != want || st.Asked != asked {
			t.Errorf("%s is asked for: reads are in %s, the status is %+v; want %s", asked, column.Phase(), st, want)
		}
		if asked != want && st.Reason.Text != "the pool has not been seen yet" {
			t.Errorf("%s: nobody says why: %+v", asked, st.Reason)
		}
	}
}
