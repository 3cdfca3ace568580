package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// journaled is toMS with a journal.
func journaled(name string) bgtransform.Rows[Track] {
	r := toMS(name)
	r.Options.Journal = true
	return r
}

// tens returns a config whose batches hold ten keys, and which pauses the
// transform at the start of one batch of one run, by the control that it is sent.
func tens(t testing.TB, run, batch int64) (bgtransform.Config, chan<- *bgtransform.Control) {
	t.Helper()
	cfg := quick(t)
	cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 10, 10
	pauses := make(chan *bgtransform.Control, 1)
	cfg.Observer = &recorder{hook: func(info bgtransform.BatchStartInfo) {
		if info.Run != run || info.Batch != batch {
			return
		}
		if err := (<-pauses).Pause(context.Background(), "x", ann); err != nil {
			t.Errorf("Pause: %v", err)
		}
	}}
	return cfg, pauses
}

func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// wantBack fails unless each of n rows was written once there and once back.
func wantBack(t testing.TB, db *bun.DB, n int64) {
	t.Helper()
	if got := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); got != n {
		t.Errorf("%d of %d rows are as they were", got, n)
	}
	if got := count(t, db, "SELECT count(*) FROM audit"); got != 2*n {
		t.Errorf("rows were written %d times in all, want %d", got, 2*n)
	}
	if got := count(t, db, "SELECT count(*) FROM (SELECT id FROM audit GROUP BY id HAVING count(*) <> 2) AS a"); got != 0 {
		t.Errorf("%d rows were not written once there and once back", got)
	}
}

// A revert is a run like any other: an operator pauses it, another instance takes
// it over, a limit holds it back, and it says so; in the end each row was written
// back once.
func TestRevertIsPausedTakenOverAndThrottled(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t)
		seed(t, db, 300)
		audit(t, db)
		cfg, pauses := tens(t, 2, 5)
		cfg.Locker = nil
		in := start(t, db, cfg, journaled("x"))
		pauses <- in.Control()
		in.untilState("x", bgtransform.StateComplete)
		must(t, in.Control().Revert(t.Context(), "x", ann))
		st := in.untilState("x", bgtransform.StatePaused)
		if st.Rows != 50 || st.Mode != "revert" || st.Remaining != 250 || st.Progress < 0.16 || st.Progress > 0.17 || st.Why().Text != "paused by ann: because" {
			t.Errorf("paused in the fifth of 30 batches: %+v", st)
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 50 {
			t.Errorf("%d rows are as they were, want 50", n)
		}
		in.stop()

		slow, _ := tens(t, 0, 0)
		slow.Locker, slow.Instance, slow.Limits.RowsPerSecond = nil, "slow", 50
		in = start(t, d.open(t), slow, journaled("x"))
		must(t, in.Control().Resume(t.Context(), "x", ann))
		in.until("x", "throttled", func(st bgtransform.Status) bool {
			return st.State == bgtransform.StateReverting && st.Holder == "slow" && st.Why().Code == bgtransform.ReasonThrottle && st.Rows > 50
		})
		in.stop()

		last := quick(t)
		last.Locker = nil
		in = start(t, d.open(t), last, journaled("x"))
		st = in.untilState("x", bgtransform.StateReverted)
		if st.Rows != 300 || st.Moved != 0 || st.Run != 2 || st.Attempt < 4 || st.Progress != 1 || st.Remaining != 0 || !st.Why().IsZero() {
			t.Errorf("reverted as %+v; want 300 rows, by more than one attempt", st)
		}
		wantBack(t, db, 300)
	})
}

// A run that is given up halfway is reverted as far as it has come; and restarted,
// it finds all rows pending.
func TestRevertOfAHalfDoneRun(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		audit(t, db)
		cfg, pauses := tens(t, 1, 5)
		in := start(t, db, cfg, journaled("x"))
		pauses <- in.Control()
		if st := in.untilState("x", bgtransform.StatePaused); st.Rows != 50 {
			t.Errorf("paused after %d rows, want 50", st.Rows)
		}
		must(t, in.Control().Revert(t.Context(), "x", ann))
		if st := in.untilState("x", bgtransform.StateReverted); st.Rows != 50 {
			t.Errorf("%d rows were written back, want 50", st.Rows)
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 300 {
			t.Errorf("%d rows are as they were, want 300", n)
		}
		must(t, in.Control().Restart(t.Context(), "x", ann))
		if st := in.untilState("x", bgtransform.StateComplete); st.Rows != 300 {
			t.Errorf("the next run has changed %d rows, want 300", st.Rows)
		}
	})
}

// Without an entry in the journal there is nothing to revert: an operator is told
// so, and nothing changes.
func TestRevertNeedsAJournal(t *testing.T) {
	t.Parallel()
	in := start(t, newDB(t, 10), quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	err := in.Control().Revert(t.Context(), "x", ann)
	if !errors.Is(err, bgtransform.ErrNotAllowed) || !contains(err.Error(), "its journal has nothing to revert", "Options.Journal") {
		t.Errorf("Revert = %v", err)
	}
	if log, err := in.Control().Actions(t.Context(), "x", 5); err != nil || len(log) != 0 {
		t.Errorf("a revert that was refused is in the log: %v, %v", log, err)
	}
}

// A journal that could keep nothing is refused before anything runs.
func TestJournalNeedsColumns(t *testing.T) {
	t.Parallel()
	s, err := bgtransform.New(newDB(t, 0), quick(t))
	must(t, err)
	bySQL := toMSBySQL("x")
	bySQL.Options.Journal = true
	elsewhere := dearer("x", bgtransform.ProcessedInDatabase())
	elsewhere.Writes, elsewhere.Options.Journal = nil, true
	for _, transform := range []bgtransform.Transform{bySQL, elsewhere} {
		if err := s.Register(transform); err == nil || !contains(err.Error(), "Writes is empty; with Options.Journal") {
			t.Errorf("%T: %v, want an error that says what is missing", transform, err)
		}
	}
}

// What holds a transform back holds its revert back, and is said.
func TestI9RevertSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	in := start(t, db, quick(t), journaled("x"))
	in.untilState("x", bgtransform.StateComplete)
	in.stop()
	control, err := bgtransform.NewControl(db)
	must(t, err)
	must(t, control.Revert(t.Context(), "x", ann))
	all, err := control.Status(t.Context(), "x")
	must(t, err)
	if why := all[0].Why(); all[0].State != bgtransform.StateWaiting || why.Code != bgtransform.ReasonAsked || !contains(why.Text, "to be reverted", "by ann: because") {
		t.Errorf("before any instance is there, it is %s: %q", all[0].State, why)
	}
	if err := control.Revert(t.Context(), "x", ann); !errors.Is(err, bgtransform.ErrNotAllowed) {
		t.Errorf("a second revert, on top of the first: %v", err)
	}
	for flag, want := range map[string]bgtransform.ReasonCode{
		"BGTRANSFORM_ENABLED__X=false": bgtransform.ReasonDisabled,
		"BGTRANSFORM_DRY_RUN=true":     bgtransform.ReasonDryRun,
		"BGTRANSFORM_WINDOW=never":     bgtransform.ReasonWindow,
	} {
		cfg := quick(t)
		cfg.Environ = []string{flag}
		in := start(t, db, cfg, journaled("x"))
		in.until("x", "held back by "+flag, func(st bgtransform.Status) bool { return st.Here.Code == want })
		in.stop()
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 0 {
			t.Errorf("%s: %d rows were written back", flag, n)
		}
	}
	start(t, db, quick(t), journaled("x")).untilState("x", bgtransform.StateReverted)
}
