package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// newcomer is an instance that has not run yet.
func newcomer(t testing.TB, db *bun.DB, cfg bgtransform.Config, transforms ...bgtransform.Transform) *bgtransform.Scheduler {
	t.Helper()
	s, err := bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(transforms...))
	return s
}

func wantAdmitted(t testing.TB, s *bgtransform.Scheduler) {
	t.Helper()
	if err := s.Admit(t.Context()); err != nil {
		t.Errorf("%s may not serve: %v", s.Instance(), err)
	}
}

func wantRefused(t testing.TB, s *bgtransform.Scheduler, parts ...string) {
	t.Helper()
	err := s.Admit(t.Context())
	if !errors.Is(err, bgtransform.ErrNotAdmitted) {
		t.Errorf("%s: error %v, want ErrNotAdmitted", s.Instance(), err)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: it says %q, want %q in it", s.Instance(), err, part)
		}
	}
}

// Each version of a move is let in where it does no harm, and nowhere else: from a database
// without our tables to one without the old column.
func TestAdmitEachVersionInItsTurn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		contracted := member(t, "web-4", "4")
		contracted.Contracted = []string{"x"}
		misspelt := member(t, "web-4", "4")
		misspelt.Contracted = []string{"xx"}
		first := newcomer(t, db, member(t, "web-1", "1"), plain())
		expand := func() (*bgtransform.Scheduler, *dualread.Column[Track, int64]) {
			c := newLength(t)
			must(t, c.SetPhase(dualread.PhaseCompare))
			return newcomer(t, db, member(t, "web-2", "2"), bgtransform.Move[Track, int64]{Column: c}), c
		}
		second, _ := expand()
		last := newcomer(t, db, contracted)
		for _, s := range []*bgtransform.Scheduler{first, second, last} {
			wantAdmitted(t, s) // nobody has been here
		}
		seed(t, db, 20)
		column := newLength(t)
		must(t, column.SetPhase(dualread.PhaseOld))
		cfg := member(t, "web-3", "2")
		cfg.FleetRules.MinAge = time.Hour // no row is moved
		in := start(t, db, cfg, bgtransform.Move[Track, int64]{Column: column})
		untilKnown(t, in.Control(), "web-3", true)
		wantAdmitted(t, first)
		wantAdmitted(t, second)
		wantRefused(t, last, "x is pending, so rows are left")
		wantRefused(t, newcomer(t, db, misspelt), `Config.Contracted names "xx", which this database does not know; did you mean "x"?`)
		in.stop()

		column = newLength(t)
		must(t, column.SetPhase(dualread.PhaseCompare))
		in = start(t, db, member(t, "web-3", "2"), bgtransform.Move[Track, int64]{Column: column})
		in.untilState("x", bgtransform.StateComplete)
		in.untilPhase("x", dualread.PhaseCompare)
		wantRefused(t, first, "web-3 (version 2) is alive and in stage compare of x, and reads the new column, which this version does not write", "tune x phase=old")
		wantAdmitted(t, second)
		wantRefused(t, last, "in stage compare of x, and reads the old column", "tune x phase=new")
		must(t, column.SetPhase(dualread.PhaseNew))
		in.untilPhase("x", dualread.PhaseNew)
		wantAdmitted(t, second)
		wantAdmitted(t, last)

		after := start(t, db, contracted)
		untilKnown(t, in.Control(), "web-4", true)
		in.stop()
		wantRefused(t, first, "web-4 (version 4) writes only the new column of x, so the old one is out of date")
		wantRefused(t, second, "that writes only the new column of x, so the old one is out of date; deploy a version whose reads are in phase new")
		back, c := expand()
		must(t, c.SetPhase(dualread.PhaseNew))
		wantAdmitted(t, back)
		exec(t, db, "ALTER TABLE tracks DROP COLUMN length")
		wantRefused(t, back, `the old column "length" of x is dropped`, "deploy a version without it")
		wantAdmitted(t, last)
		after.stop()
	})
}

// A registry that cannot be asked is no refusal, nor an answer.
func TestAdmitSaysThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1)
	cfg := member(t, "web-1", "1")
	cfg.Fleet = deadRegistry{}
	err := newcomer(t, db, cfg, plain()).Admit(t.Context())
	if err == nil || errors.Is(err, bgtransform.ErrNotAdmitted) || !strings.Contains(err.Error(), "no route") {
		t.Errorf("error %v, want one that says why it does not know", err)
	}
	must(t, store.Create(t.Context(), db))
	must(t, db.Close())
	err = newcomer(t, db, member(t, "web-1", "1"), plain()).Admit(t.Context())
	if err == nil || errors.Is(err, bgtransform.ErrNotAdmitted) {
		t.Errorf("error %v of a database that is closed, want one that is no refusal", err)
	}
}

// Nobody's start hangs with a driver that heeds no context.
func TestI6AdmitBesideAHungDriver(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	db := newDB(t, 1).WithQueryHook(hang(release))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := newcomer(t, db, member(t, "web-1", "1"), plain()).Admit(ctx)
	if err == nil || errors.Is(err, bgtransform.ErrNotAdmitted) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("error %v, want one that says that nobody answers", err)
	}
}

// hang is a driver that answers no query before it is closed.
type hang chan struct{}

func (h hang) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	<-h
	return ctx
}

func (hang) AfterQuery(context.Context, *bun.QueryEvent) {}

// A move that nobody has run in this database may be contracted there, although others are
// called almost the same.
func TestAdmitAContractedMoveBesideOneOfAlmostItsName(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1)
	cfg := member(t, "web-1", "1")
	cfg.Contracted = []string{"other-2"}
	start(t, db, member(t, "web-2", "1"), plain()).untilState("other", bgtransform.StateComplete)
	wantRefused(t, newcomer(t, db, cfg), `did you mean "other"?`)
	wantAdmitted(t, newcomer(t, db, cfg, plain())) // it has that one itself
}

// deadRegistry is one that nobody reaches.
type deadRegistry struct{}

func (deadRegistry) Members(context.Context) ([]fleet.Sighting, error) {
	return nil, errors.New("no route")
}

func (deadRegistry) Announce(context.Context, fleet.Member, time.Duration) error {
	return errors.New("no route")
}

func (deadRegistry) Leave(context.Context, fleet.Member) error { return nil }
