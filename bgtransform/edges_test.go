package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A dry run in the middle of a run leaves its checkpoint as it was.
func TestDryRunKeepsTheCheckpoint(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond = 500
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows >= 200 })
	must(t, in.Control().Pause(t.Context(), "x", ann))
	was := in.untilState("x", bgtransform.StatePaused)
	in.stop()

	cfg = quick(t)
	cfg.Environ = []string{"BGTRANSFORM_DRY_RUN=true"}
	dry := start(t, db, cfg, toMS("x"))
	dry.until("x", "paused here", func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonPaused })
	must(t, dry.Control().Resume(t.Context(), "x", ann))
	dry.untilReason("x", bgtransform.ReasonDryRun)
	must(t, dry.Control().Retry(t.Context(), "x", ann)) // heeded by the next real run
	is := dry.untilReason("x", bgtransform.ReasonDryRun)
	dry.stop()
	if is.Rows != was.Rows || is.Run != 1 || is.Pass != 1 || is.Batches != was.Batches {
		t.Errorf("before the dry run %+v, after it %+v", was, is)
	}
	if st := start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete); st.Rows != 1000 {
		t.Errorf("%d rows, want 1000", st.Rows)
	}
}

// A pause that meets the last batch is void: the transform is complete, and
// stays so, quietly.
func TestPauseThatComesTooLate(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	in := start(t, db, quick(t), toMS("x"))
	attempts := in.untilState("x", bgtransform.StateComplete).Attempt
	exec(t, db, "UPDATE bgtransform_intents SET desired = 'paused', revision = revision + 1") // as if it came a moment before
	timer := time.NewTimer(300 * time.Millisecond)
	<-timer.C
	st := in.untilState("x", bgtransform.StateComplete)
	if st.Attempt != attempts || !st.Reason.IsZero() {
		t.Errorf("got %+v", st)
	}
	must(t, in.Control().Restart(t.Context(), "x", ann))
	in.until("x", "complete again", func(st bgtransform.Status) bool {
		return st.Run == 2 && st.State == bgtransform.StateComplete
	})
}

// Accepting rows long after the last pass completes nothing without a fresh look.
func TestAcceptLooksAgain(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 50 {
			return errors.New("no")
		}
		return each(ctx, m)
	}
	in := start(t, db, quick(t), r)
	in.untilReason("x", bgtransform.ReasonQuarantine)
	exec(t, db, "INSERT INTO tracks VALUES (-7, 'behind the cursor', 7, NULL)")
	must(t, in.Control().Accept(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StateComplete)
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 1 {
		t.Errorf("complete with %d rows pending, want the accepted one", n)
	}
}

// A row that the model cannot be filled from costs that row, and says which.
func TestRowThatCannotBeScanned(t *testing.T) {
	t.Parallel()
	db := newDB(t, 200)
	exec(t, db, "UPDATE tracks SET length = 'long' WHERE id = 77")
	in := start(t, db, quick(t), toMS("x"))
	st := in.untilReason("x", bgtransform.ReasonQuarantine)
	rows, err := in.Control().Quarantined(t.Context(), "x", 10)
	must(t, err)
	if st.Rows != 199 || len(rows) != 1 || rows[0].Key != "77" || rows[0].Class != "scan" {
		t.Errorf("got %+v and quarantine %+v", st, rows)
	}
}

// Slow code gets small batches that commit, not a timeout after hundreds of calls.
func TestSlowCodeIsCutShort(t *testing.T) {
	t.Parallel()
	db := newDB(t, 60)
	r := toMS("x")
	each := r.Each
	var calls atomic.Int64
	r.Each = func(ctx context.Context, m *Track) error {
		calls.Add(1)
		timer := time.NewTimer(10 * time.Millisecond)
		<-timer.C
		return each(ctx, m)
	}
	cfg := quick(t)
	cfg.Limits.Target = 10 * time.Millisecond // so the budget is 100 ms, ten rows
	st := start(t, db, cfg, r).untilState("x", bgtransform.StateComplete)
	if st.Rows != 60 || calls.Load() != 60 || st.Batches < 6 {
		t.Errorf("%d calls, %+v; want every row done once, in six batches or more", calls.Load(), st)
	}
}

// Many calls that hang fail the transform, with the rows in quarantine, so
// that a retry need not hang again.
func TestManyHungRows(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	r := toMS("x")
	r.Each = func(context.Context, *Track) error { <-hang; return nil }
	r.Parallel = 10
	cfg := quick(t)
	cfg.RowTimeout = 10 * time.Millisecond
	st := start(t, db, cfg, r).untilState("x", bgtransform.StateFailed)
	if st.Quarantined < 10 || !strings.Contains(st.Reason.Text, "hung") {
		t.Errorf("got %+v", st)
	}
}

// An UPDATE that reaches beyond its range is found before it writes anything.
func TestSQLThatReachesBeyondItsRange(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	wild := bgtransform.SQL[Track]{Name: "x", Pending: "length_ms IS NULL) OR (1=1", Set: "length_ms = 1"}
	st := start(t, db, quick(t), wild).untilReason("x", bgtransform.ReasonSchema)
	if !strings.Contains(st.Reason.Text, "parentheses") {
		t.Errorf("reason is %q", st.Reason)
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

// A kind that panics as it opens fails, and says so.
func TestOpenThatPanics(t *testing.T) {
	t.Parallel()
	kind := custom{name: "x", open: func(context.Context) error { panic("a bug") }}
	st := start(t, newDB(t, 0), quick(t), kind).untilState("x", bgtransform.StateFailed)
	if !strings.Contains(st.Reason.Text, "panic of type string") {
		t.Errorf("got %+v", st)
	}
}

// SQL leaves out the rows in quarantine, and changes all others.
func TestSQLLeavesOutTheQuarantine(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	exec(t, db, "CREATE TRIGGER picky BEFORE UPDATE ON tracks WHEN new.id % 3 = 0 BEGIN SELECT RAISE(ABORT, 'no'); END")
	cfg := quick(t)
	cfg.MaxQuarantine, cfg.MaxQuarantineShare = 2000, 1
	st := start(t, db, cfg, toMSBySQL("x")).untilReason("x", bgtransform.ReasonQuarantine)
	if st.Rows != 200 || st.Quarantined != 100 {
		t.Errorf("got %+v; want 200 rows changed and 100 in quarantine", st)
	}
}

// A batch binds the quarantined keys of its own range only, not all there are,
// which are more than SQLite takes in one statement.
func TestSQLWithAHugeQuarantine(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	in := start(t, db, quick(t), bgtransform.SQL[Track]{
		Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000", Options: bgtransform.Options{After: []string{"never"}},
	})
	in.untilReason("x", bgtransform.ReasonDependency)
	in.stop()
	exec(t, db, `INSERT INTO bgtransform_quarantine (name, key_hash, key_text, standing, class, message, tries, first_ms, last_ms, by_whom)
		WITH RECURSIVE n(i) AS (SELECT 201 UNION ALL SELECT i + 1 FROM n WHERE i < 40200)
		SELECT 'x', printf('%064d', i), '["i' || i || '"]', 'accepted', 'error', '', 1, 1, 1, 'ann' FROM n`)
	st := start(t, db, quick(t), toMSBySQL("x")).untilState("x", bgtransform.StateComplete)
	if st.Rows != 200 || st.Accepted != 40_000 || st.Quarantined != 0 {
		t.Errorf("got %+v; want the 200 rows that are not accepted as they are", st)
	}
}

// An observer that never returns is left behind, and holds up no shutdown.
func TestObserverThatHangs(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	cfg := quick(t)
	cfg.Observer = &recorder{hook: func(bgtransform.BatchStartInfo) { <-hang }}
	in := start(t, newDB(t, 300), cfg, toMS("x"))
	if st := in.untilState("x", bgtransform.StateComplete); st.Rows != 300 {
		t.Errorf("got %+v", st)
	}
}

// A stop that finds an instance asking for the lease of a server that does not
// answer is not held up by it.
func TestStopWhileAskingForTheLease(t *testing.T) {
	t.Parallel()
	cfg := quick(t)
	asked := make(chan struct{}, 10)
	cfg.Locker = deaf{asked}
	cfg.LeaseTTL = 30 * time.Second
	in := start(t, newDB(t, 10), cfg, toMS("x"))
	<-asked
	began := time.Now()
	in.stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("shutdown took %s", took)
	}
}

// New without a database is an error, not a panic.
func TestNewWithoutDatabase(t *testing.T) {
	t.Parallel()
	var none *bun.DB
	if _, err := bgtransform.New(none, bgtransform.Config{}); err == nil || !strings.Contains(fmt.Sprint(err), "nil") {
		t.Errorf("New(nil) = %v", err)
	}
}

// A key column without a type holds keys of several kinds; the walk takes them
// in their order, and only the estimate gives up.
func TestKeysOfSeveralKinds(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	exec(t, db, "DROP TABLE tracks")
	exec(t, db, "CREATE TABLE tracks (id PRIMARY KEY NOT NULL, title TEXT, length INTEGER, length_ms INTEGER)")
	exec(t, db, "INSERT INTO tracks (id, length) VALUES (0.5, 1), (1, 2), (1.5, 3), (2, 4), ('a', 5), (x'00', 6)")
	cfg := quick(t)
	cfg.Limits.MinBatch, cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 1, 1, 1
	st := start(t, db, cfg, toMSBySQL("x")).untilState("x", bgtransform.StateComplete)
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms = length * 1000"); n != 6 || st.Rows != 6 {
		t.Errorf("%d rows are right, and %+v; want 6", n, st)
	}
}
