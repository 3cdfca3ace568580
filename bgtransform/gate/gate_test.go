package gate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// refused returns the pieces that are missing.
func refused(t testing.TB, err error) []gate.Missing {
	t.Helper()
	refusal, ok := errors.AsType[*gate.Refusal](err)
	if !ok {
		t.Fatalf("the error is %v, want a refusal", err)
	}
	return refusal.Missing
}

// Each piece alone is missed, by its name and with what supplies it.
func TestEachPieceAlone(t *testing.T) {
	t.Parallel()
	state := func(state bgtransform.State, set string) string {
		return "UPDATE bgtransform_transforms SET state = '" + string(state) + "'" + set
	}
	read := func(what string) string {
		return "UPDATE bgtransform_reads SET " + what + " = 7, last_" + what + "_ms = seen_ms"
	}
	for sentence, test := range map[string]struct {
		do    []string
		opts  []gate.Option
		piece gate.Piece
		says  []string
	}{
		"nothing is missing": {},
		"it is running": {
			do:    []string{state(bgtransform.StateRunning, ""), "UPDATE bgtransform_ranges SET remaining = 1234567, rows_per_sec = 100, batches = 10, keys_walked = 1000, measured_ms = heartbeat_ms, heartbeat_ms = 0"},
			piece: gate.PieceComplete, says: []string{"it is running, about 1,234,567 rows left", "complete ", "myapp transforms finish " + move},
		},
		"it waits": {
			do:    []string{state(bgtransform.StateWaiting, ", reason_code = 'window', reason = 'outside its window'")},
			piece: gate.PieceComplete, says: []string{"it is waiting", "outside its window", "myapp transforms finish " + move},
		},
		"it is paused": {
			do:    []string{state(bgtransform.StatePaused, ", reason_code = 'paused', reason = 'paused by ann: lunch'"), "UPDATE bgtransform_intents SET desired = 'paused'"},
			piece: gate.PieceComplete, says: []string{"it is paused", "paused by ann: lunch", "myapp transforms resume " + move},
		},
		"it has failed": {
			do:    []string{state(bgtransform.StateFailed, ", reason_code = 'error', reason = 'no luck'")},
			piece: gate.PieceComplete, says: []string{"it is failed", "no luck", "myapp transforms retry " + move},
		},
		"only a human knows what it is to do": {
			do:    []string{state(bgtransform.StateFailed, ", reason_code = 'fleet', reason = 'web-9 does not know the move'")},
			piece: gate.PieceComplete, says: []string{"web-9 does not know the move", "myapp transforms restart " + move},
		},
		"a human has to look after it by hand": {
			do:    []string{state(bgtransform.StateFailed, ", reason_code = 'fleet', reason = 'web-9 does not know the move', contracted_ms = 1")},
			piece: gate.PieceComplete, says: []string{"copy it by hand before you accept\n      myapp transforms accept " + move},
		},
		"it never runs again": {
			do:    []string{state(bgtransform.StateWaiting, ", contracted_ms = 1, completed_ms = 0")},
			piece: gate.PieceComplete, says: []string{"never runs again", "\n      myapp transforms explain " + move},
		},
		"it was cancelled": {
			do:    []string{state(bgtransform.StateCancelled, "")},
			piece: gate.PieceComplete, says: []string{"it is cancelled", "myapp transforms restart " + move},
		},
		"it was reverted": {
			do:    []string{state(bgtransform.StateReverted, "")},
			piece: gate.PieceComplete, says: []string{"it is reverted", "myapp transforms restart " + move},
		},
		"a restart is asked for": {
			do:    []string{"UPDATE bgtransform_intents SET restarts = restarts + 1, by_whom = 'bob'"},
			piece: gate.PieceComplete, says: []string{"it is waiting", "bob", "myapp transforms finish " + move},
		},
		"a row is in quarantine": {
			do:    []string{"INSERT INTO bgtransform_quarantine VALUES ('" + move + "', 'h', '1', 'held', '', '', 1, 1, 1, '')"},
			piece: gate.PieceQuarantine, says: []string{"1 row in quarantine", "myapp transforms retry " + move, "myapp transforms accept " + move},
		},
		"a row in quarantine is accepted": {
			do: []string{"INSERT INTO bgtransform_quarantine VALUES ('" + move + "', 'h', '1', 'accepted', '', '', 1, 1, 1, 'ann')"},
		},
		"it was never verified": {
			do:    []string{"DELETE FROM bgtransform_verifications"},
			piece: gate.PieceVerified, says: []string{"never verified", "myapp transforms verify " + move},
		},
		"it need not be verified": {do: []string{"DELETE FROM bgtransform_verifications"}, opts: []gate.Option{gate.Unverified()}},
		"it was verified before": {
			do:    []string{"UPDATE bgtransform_verifications SET started_ms = 1"},
			piece: gate.PieceVerified, says: []string{"not since", "myapp transforms verify " + move},
		},
		"the verification found something": {
			do:    []string{"UPDATE bgtransform_verifications SET rows_wrong = 5, rows_repaired = 2, rows_unchecked = 1"},
			piece: gate.PieceVerified, says: []string{"5 rows wrong, of which 2 were repaired, 0 pending and 1 that could not", "myapp transforms verify " + move},
		},
		"the verification failed": {
			do:    []string{"UPDATE bgtransform_verifications SET state = 'failed', reason = 'no Wrong'"},
			piece: gate.PieceVerified, says: []string{"no Wrong"},
		},
		"a read fell back":          {do: []string{read("fallbacks")}, piece: gate.PieceFallback, says: []string{"fell back", "want none for 24h\n", "myapp transforms reads " + move}},
		"a read found nothing":      {do: []string{read("missing")}, piece: gate.PieceMissing, says: []string{"wrong answer", "myapp transforms verify " + move}},
		"a read differed":           {do: []string{read("mismatches")}, piece: gate.PieceMismatch, says: []string{"differ"}},
		"reads do not count":        {do: []string{read("fallbacks")}, opts: []gate.Option{gate.WithoutColumn()}},
		"a read fell back long ago": {do: []string{"UPDATE bgtransform_reads SET fallbacks = 7, last_fallback_ms = first_ms WHERE hour_ms IN (SELECT * FROM (SELECT min(hour_ms) FROM bgtransform_reads) AS m)"}},
		"the same, for those who want more": {
			do:   []string{"UPDATE bgtransform_reads SET fallbacks = 7, last_fallback_ms = first_ms WHERE hour_ms IN (SELECT * FROM (SELECT min(hour_ms) FROM bgtransform_reads) AS m)"},
			opts: []gate.Option{gate.Quiet(48 * time.Hour)}, piece: gate.PieceFallback, says: []string{"want none for 48h"},
		},
		"somebody reads the old column": {
			do: []string{"UPDATE bgtransform_members SET said = replace(said, '\"new\"', '\"compare\"')"}, piece: gate.PiecePhase,
			says: []string{"1 instance still reads the old column: web-1 (version 3) is in compare", "myapp transforms tune " + move + " phase=new"},
		},
		"somebody is about to read the old column": {
			do:    []string{`UPDATE bgtransform_members SET said = replace(said, '"stages"', '"next":{"` + move + `":"compare"},"stages"')`},
			piece: gate.PiecePhase, says: []string{"web-1"},
		},
		"somebody does not know the move": {
			do: []string{"UPDATE bgtransform_members SET said = replace(said, '" + move + "', 'other')"}, piece: gate.PiecePhase,
			says: []string{"web-1 (version 3) is in before"},
		},
		"somebody who read the old column is gone": {
			do: []string{`UPDATE bgtransform_members SET said = replace(said, '"new"', '"compare"'), expires_ms = seen_ms - 1`},
		},
		"somebody who did not know the move came after the walk, and is gone": {
			do:    []string{`INSERT INTO bgtransform_members (term, said, moves, joined_ms, seen_ms, expires_ms) SELECT 'gone', '{"instance":"web-0","version":"1"}', 0, joined_ms, seen_ms, seen_ms FROM bgtransform_members WHERE term = 'k1'`},
			piece: gate.PieceComplete, says: []string{"web-0 (version 1) was there after the last walk", "myapp transforms finish " + move},
		},
		"the same, of before the walk": {
			do: []string{`INSERT INTO bgtransform_members (term, said, moves, joined_ms, seen_ms, expires_ms) SELECT 'gone', '{"instance":"web-0","version":"1"}', 0, 1, seen_ms - 3600000, seen_ms - 3600000 FROM bgtransform_members WHERE term = 'k1'`},
		},
		"another app does not know the move": {
			do:   []string{`INSERT INTO bgtransform_members (term, said, moves, joined_ms, seen_ms, expires_ms) SELECT 'other', '{"instance":"shop-1","app":"shop"}', moves, joined_ms, seen_ms, expires_ms FROM bgtransform_members WHERE term = 'k1'`},
			opts: []gate.Option{gate.App("music")},
		},
		"nobody has announced himself": {
			do: []string{"DELETE FROM bgtransform_members"}, piece: gate.PiecePhase, says: []string{"no instance has announced itself", "gate.Fleet"},
		},
		"somebody writes the old column": {
			opts: []gate.Option{gate.NoOldWrites()}, piece: gate.PieceWrites, says: []string{"still written by 1 of the instances", "web-1 (version 3)"},
		},
		"nobody writes the old column": {
			do:   []string{`UPDATE bgtransform_members SET said = replace(said, '"new"', '"after"')`},
			opts: []gate.Option{gate.NoOldWrites()},
		},
		"nobody counts": {do: []string{"DELETE FROM bgtransform_reads"}, piece: gate.PieceReads, says: []string{"no instance counts its reads", "DualWriter"}},
		"nobody has counted for long enough": {
			do:    []string{"DELETE FROM bgtransform_reads WHERE hour_ms < (SELECT * FROM (SELECT max(hour_ms) - 7200000 FROM bgtransform_reads) AS m)"},
			piece: gate.PieceReads, says: []string{"were counted for ", " without a gap; want 24h\n"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, "sqlite")
			proven(t, db)
			for _, do := range test.do {
				do = strings.NewReplacer("fallbacks_ms", "fallback_ms", "mismatches_ms", "mismatch_ms").Replace(do)
				exec(t, db, do)
			}
			err := gate.Require(t.Context(), db, move, append(test.opts, gate.Command("myapp transforms"))...)
			if test.piece == "" {
				must(t, err)
				return
			}
			missing := refused(t, err)
			if len(missing) != 1 || missing[0].Piece != test.piece || missing[0].Transform != move {
				t.Fatalf("missing is %+v, want %s alone", missing, test.piece)
			}
			for _, want := range test.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%s", want, err)
				}
			}
		})
	}
}

// Who contracts too early is refused by each database, and a fresh installation is not.
func TestEarlyAndFreshOnEachDatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		data := gate.Data[Track]("length_ms IS NULL")
		seed(t, db, 0)
		must(t, gate.Require(t.Context(), db, move, data)) // without our tables
		exec(t, db, "INSERT INTO tracks (id, length) VALUES (1, 2)")
		if m := refused(t, gate.Require(t.Context(), db, move, data)); len(m) != 1 || m[0].Piece != gate.PieceComplete || !strings.Contains(m[0].Text, "never run") {
			t.Errorf("with a pending row and without our tables %+v is missing", m)
		}
		must(t, store.Create(t.Context(), db))
		if m := refused(t, gate.Require(t.Context(), db, move, gate.Transforms(lengthMS()))); len(m) != 1 || m[0].Piece != gate.PieceComplete {
			t.Errorf("with a pending row %+v is missing", m)
		}
		if m := refused(t, gate.Require(t.Context(), db, move)); len(m) != 1 || !strings.Contains(m[0].Text, "gate.Data") {
			t.Errorf("without a look at the data %+v is missing", m)
		}
		exec(t, db, "UPDATE tracks SET length_ms = 2000")
		must(t, gate.Require(t.Context(), db, move, gate.Transforms(lengthMS())))
		must(t, gate.Check(db, []string{move}, data)(t.Context()))
		st, err := store.New(db)
		must(t, err)
		must(t, st.Register(t.Context(), []string{move}))
		must(t, gate.Require(t.Context(), db, move, data))
		must(t, st.AddReads(t.Context(), "web-1", move, store.ReadCounts{Fallbacks: 1}))
		if m := refused(t, gate.Require(t.Context(), db, move, data)); len(m) != 1 || m[0].Piece != gate.PieceFallback {
			t.Errorf("after a fallback %+v is missing", m)
		}
	})
}

// A name that is misspelt is no fresh installation, however little is pending.
func TestAMisspeltName(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		proven(t, db)
		data := gate.Data[Track]("length_ms IS NULL")
		must(t, gate.Require(t.Context(), db, "album-year", data, gate.WithoutColumn())) // resembles none
		m := refused(t, gate.Require(t.Context(), db, "track-lenght-ms", data, gate.WithoutColumn()))
		if len(m) != 1 || !strings.Contains(m[0].Text, `no transform of that name, but "track-length-ms"`) {
			t.Errorf("%+v is missing", m)
		}
		other := lengthMS()
		other.Name = "track-length-m3"
		must(t, gate.Require(t.Context(), db, other.Name, gate.Transforms(other), gate.WithoutColumn()))
	})
}

// A name that somebody has typed, and that nobody knows, is neither a yes nor a not yet:
// who reads the old column of a move that there is not, nobody can say.
func TestANameThatNobodyKnows(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		unknown := func(name, want string, opts ...gate.Option) {
			t.Helper()
			err := gate.Require(t.Context(), db, name, append(opts, gate.Known("album-year"))...)
			if _, refused := errors.AsType[*gate.Refusal](err); refused || !errors.Is(err, bgtransform.ErrUnknownTransform) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v, want ErrUnknownTransform and %q", name, err, want)
			}
		}
		data := gate.Data[Track]("length_ms IS NULL")
		unknown("album-yaer", `did you mean "album-year"?`, data) // without our tables
		if m := refused(t, gate.Require(t.Context(), db, "album-year", gate.Known("album-year"))); !strings.Contains(m[0].Text, "never run") {
			t.Errorf("of a name that the code has %+v is missing", m)
		}
		proven(t, db)
		registry, err := store.NewFleet(db)
		must(t, err)
		must(t, registry.Announce(t.Context(), fleet.Member{
			Instance: "web-2", Term: "k2", App: "music", Stages: map[string]fleet.Stage{move: fleet.New, "artist-name": fleet.Old},
		}, time.Hour))
		unknown("track-lenght-ms", `did you mean "track-length-ms"?`)
		unknown("artist-nam", `did you mean "artist-name"?`)
		unknown("genre", "there are album-year, artist-name, track-length-ms", data)
		must(t, gate.Require(t.Context(), db, move, gate.Known()))
		other := lengthMS()
		other.Name = "track-length-m3"
		must(t, gate.Require(t.Context(), db, other.Name, gate.Known(), gate.Transforms(other), gate.WithoutColumn()))
		for _, m := range refused(t, gate.Require(t.Context(), db, "artist-name", gate.Known())) {
			if m.Piece == gate.PiecePhase && !strings.Contains(m.Text, "web-1 (version 3) is in before") {
				t.Errorf("of a move that an instance knows %+v is missing", m)
			}
		}
		if m := refused(t, gate.Require(t.Context(), db, "genre")); len(m) != 1 || !strings.Contains(m[0].Text, "nor an instance that is alive") {
			t.Errorf("of a name in a program that nobody knows %+v is missing", m)
		}
	})
}
