package gate_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// phaseOf returns what is missing of the phases; the text is empty if nothing is.
func phaseOf(t testing.TB, err error) gate.Missing {
	t.Helper()
	if err == nil {
		return gate.Missing{}
	}
	for _, m := range refused(t, err) {
		if m.Piece == gate.PiecePhase {
			return m
		}
	}
	return gate.Missing{}
}

// A phase is recommended only where nothing else brings reads on: what is set stays set.
func TestWhatBringsReadersOn(t *testing.T) {
	t.Parallel()
	const waiting = "UPDATE bgtransform_transforms SET state = 'waiting'"
	reader := func(asked fleet.Stage) fleet.Member {
		m := fleet.Member{Instance: "web-2", Term: "k2", Version: "2", Stages: map[string]fleet.Stage{move: fleet.Compare}}
		if asked != "" {
			m.Asked = map[string]fleet.Stage{move: asked}
		}
		return m
	}
	for sentence, test := range map[string]struct {
		do       []string
		members  []fleet.Member
		says     string
		commands []string
	}{
		"rows are in quarantine": {
			do:      []string{waiting + ", reason_code = 'quarantine'", "INSERT INTO bgtransform_quarantine VALUES ('" + move + "', 'h', '1', 'held', '', '', 1, 1, 1, '')"},
			members: []fleet.Member{reader(fleet.New)},
			says:    "web-2 (version 2) is in compare; the pool lets nobody come to new until the quarantine is empty or accepted, and they come to new by themselves",
		},
		"rows are not moved": {
			do: []string{waiting}, members: []fleet.Member{reader(fleet.New)},
			says: "the pool lets nobody come to new until all rows are moved, and they come to new by themselves",
		},
		"rows are not moved, and less is asked for": {
			do: []string{waiting}, members: []fleet.Member{reader(fleet.Fallback)},
			says: "until all rows are moved, and fallback is all that is asked for so far",
		},
		"an old instance is alive": {
			members: []fleet.Member{reader(fleet.New), {Instance: "web-9", Term: "k9", Version: "1"}}, commands: []string{"transforms fleet"},
			says: "web-9 (version 1) does not know the move, and the pool holds all reads at the old column until it has left, and they come to new by themselves",
		},
		"all is done, and they are on their way": {
			members: []fleet.Member{reader(fleet.New)}, commands: []string{"transforms fleet"},
			says: "all rows are moved, and they come to new by themselves",
		},
		"all is done, and less is asked for": {
			members: []fleet.Member{reader(fleet.New), {Instance: "web-3", Term: "k3", Stages: map[string]fleet.Stage{move: fleet.Compare}, Asked: map[string]fleet.Stage{move: fleet.Compare}}},
			says:    "compare is all that is asked for; deploy a release that asks for new, or set it, which wins over every later release until transforms untune " + move + " phase", commands: []string{"transforms tune " + move + " phase=new"},
		},
		"all is done, and nobody knows what is asked for": {
			members: []fleet.Member{reader("")}, commands: []string{"transforms tune " + move + " phase=new"},
			says: "is in compare; deploy a release that asks for new, or set it",
		},
		"an operator has set less": {
			do:      []string{`UPDATE bgtransform_intents SET settings = '{"PHASE":{"value":"compare","by":"ann","since_ms":1}}'`},
			members: []fleet.Member{reader(fleet.New)}, commands: []string{"transforms untune " + move + " phase"},
			says: "has set the phase to compare, which wins over every release until it is set back",
		},
		"it has failed": {
			do: []string{"UPDATE bgtransform_transforms SET state = 'failed', reason_code = 'error'"}, members: []fleet.Member{reader(fleet.Compare)},
			says: "web-2 (version 2) is in compare",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, "sqlite")
			proven(t, db)
			for _, do := range test.do {
				exec(t, db, do)
			}
			registry, err := store.NewFleet(db)
			must(t, err)
			for _, m := range test.members {
				must(t, registry.Announce(t.Context(), m, time.Hour))
			}
			m := phaseOf(t, gate.Require(t.Context(), db, move))
			if !strings.Contains(m.Text, test.says) || !slices.Equal(m.Commands, test.commands) {
				t.Errorf("missing is %q with %q, want %q with %q", m.Text, m.Commands, test.says, test.commands)
			}
		})
	}
}

// A release asks for phase new, and a row that cannot be moved holds it back. Once that is
// accepted, reads come to new without anybody's doing, as the gate has said.
func TestReadersComeByThemselves(t *testing.T) {
	t.Parallel()
	db := newDB(t, "sqlite")
	exec(t, db, "CREATE TABLE tracks (id bigint PRIMARY KEY, length bigint, length_ms bigint CHECK (length_ms <> 13000))")
	exec(t, db, "INSERT INTO tracks (id, length) VALUES (1, 12), (2, 13)")
	column, err := dualread.New(dualread.Move[Track, int64]{
		Name: move, OldColumns: []string{"length"}, NewColumns: []string{"length_ms"}, Forward: []string{"? * 1000"}, Backward: []string{"? / 1000"},
		Old: func(m *Track) (int64, bool) { return m.Length * 1000, true },
		New: func(m *Track) (ms int64, ok bool) {
			if ok = m.LengthMS != nil; ok {
				ms = *m.LengthMS
			}
			return ms, ok
		},
		SetOld: func(m *Track, ms int64) { m.Length = ms / 1000 },
		SetNew: func(m *Track, ms int64) { m.LengthMS = &ms },
	})
	must(t, err)
	must(t, column.SetPhase(dualread.PhaseNew))
	s, _ := startWith(t, db, bgtransform.Config{
		Environ: []string{}, Limits: throttle.Limits{Duty: 1}, LeaseTTL: time.Second, StandbyPoll: 10 * time.Millisecond, IdlePoll: 10 * time.Millisecond,
		FleetRules: fleet.Rules{Every: 10 * time.Millisecond, MinAge: time.Millisecond, Settle: time.Millisecond}, Logger: slog.New(slog.DiscardHandler),
	}, bgtransform.Move[Track, int64]{Column: column})
	until(t, s, "held by its quarantine", func(st bgtransform.Status) bool { return st.Why().Code == bgtransform.ReasonQuarantine })
	const want = "is in compare; the pool lets nobody come to new until the quarantine is empty or accepted, and they come to new by themselves"
	untilPhase(t, s, dualread.PhaseCompare)
	eventually(t, "what the gate says", func() (string, bool) {
		m := phaseOf(t, gate.Require(t.Context(), db, move))
		return m.Text, strings.Contains(m.Text, want) && len(m.Commands) == 0
	})
	must(t, s.Control().Accept(t.Context(), move, bgtransform.By{Who: "ann"}))
	untilPhase(t, s, dualread.PhaseNew)
	eventually(t, "what the gate says", func() (string, bool) {
		m := phaseOf(t, gate.Require(t.Context(), db, move))
		return m.Text, m.Text == ""
	})
}

// untilPhase waits until reads are in a phase.
func untilPhase(t testing.TB, s *bgtransform.Scheduler, want dualread.Phase) {
	t.Helper()
	eventually(t, "the phase "+want.String(), func() (string, bool) {
		held := s.Phases()[0].Held
		return held.String(), held == want
	})
}

// eventually waits until ok says so.
func eventually(t testing.TB, what string, ok func() (is string, ok bool)) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		is, good := ok()
		if good {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s never came to be; last: %s", what, is)
		}
	}
}
