package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform"
)

// oneMore is a later definition of inPlace: it changes the same rows once more.
func oneMore(name string) bgtransform.Rows[Track] {
	r := inPlace(name)
	r.Pending = "title NOT LIKE 'v2 %'"
	r.Each = func(_ context.Context, m *Track) error {
		m.Title, m.Length = "v2 "+m.Title, m.Length+1
		return nil
	}
	return r
}

// twice runs both definitions, with the app's writes in between, and returns the
// instance of the later one.
func twice(t *testing.T, db *bun.DB, between func()) *instance {
	t.Helper()
	in := start(t, db, quick(t), inPlace("x"))
	in.untilState("x", bgtransform.StateComplete)
	in.stop()
	between()
	in = start(t, db, quick(t), oneMore("x"))
	in.until("x", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
	return in
}

// A row that several runs have changed is as it was before the first, unless the
// app has changed it in between or since: then nothing that is older than that is
// undone, not even where the row happens to hold what an older run has written.
func TestI3RevertOfSeveralRuns(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 250)
		before := snapshot(t, db, allTracks)
		in := twice(t, db, func() { exec(t, db, "UPDATE tracks SET length = 7 WHERE id = 9") })
		exec(t, db, "UPDATE tracks SET title = 'ms track 12', length = 12000 WHERE id = 12") // as the first run has left it
		must(t, in.Control().Revert(t.Context(), "x", ann))
		st := in.untilState("x", bgtransform.StateReverted)
		if st.Rows != 2*250-3 || st.Moved != 3 || !contains(st.Why().Text, "3 changed since") {
			t.Errorf("%d rows were written back and %d left, want 497 and 3: %s", st.Rows, st.Moved, st.Why())
		}
		after := snapshot(t, db, allTracks)
		same(t, after, before, "9", "12")
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE id = 9 AND length = 7 AND title = 'ms track 9'"); n != 1 {
			t.Errorf("row 9 holds %s, want what the app wrote between the runs", after["9"])
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE id = 12 AND length = 12000 AND title = 'ms track 12'"); n != 1 {
			t.Errorf("row 12 holds %s, want what the app wrote since", after["12"])
		}
	})
}

// What the database refuses to write back is set aside with the older changes of
// the same row, listed, and tried again when an operator asks for it.
func TestRevertRetriesWhatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 150)
		before := snapshot(t, db, allTracks)
		in := twice(t, db, func() {})
		exec(t, db, "CREATE UNIQUE INDEX once ON tracks (length)")
		exec(t, db, "INSERT INTO tracks (id, title, length) VALUES (1000, 'v2 in the way', 13000)")
		c := in.Control()
		must(t, c.Revert(t.Context(), "x", ann))
		wantRefused := func(st bgtransform.Status) {
			t.Helper()
			if st.Rows != 2*150-2 || st.Moved != 2 || !contains(st.Why().Text, "2 refused by the database") {
				t.Errorf("%d rows were written back and %d left, want 298 and 2: %s", st.Rows, st.Moved, st.Why())
			}
			same(t, snapshot(t, db, allTracks), before, "13", "1000")
			if n := count(t, db, "SELECT length FROM tracks WHERE id = 13"); n != 13001 {
				t.Errorf("row 13 holds %d, want 13001, as the last run has left it", n)
			}
			left, err := c.Journal(t.Context(), "x", 3)
			must(t, err)
			if left[0].Key != "13" || left[0].Standing != "refused" || left[0].Run != 2 || left[1].Key != "13" || left[1].Standing != "refused" || left[1].Run != 1 || left[2].Standing != "reverted" {
				t.Errorf("the journal lists %+v", left)
			}
		}
		wantRefused(in.untilState("x", bgtransform.StateReverted))

		again := func() bgtransform.Status {
			pass := in.untilState("x", bgtransform.StateReverted).Pass
			must(t, c.Retry(t.Context(), "x", ann))
			return in.until("x", "tried again", func(st bgtransform.Status) bool { return st.Pass > pass && st.State == bgtransform.StateReverted })
		}
		if st := again(); st.Rows != 298 || !contains(st.Why().Text, "2 refused by the database") {
			t.Errorf("tried again, with the reason still there: %d rows, %s", st.Rows, st.Why())
		}
		exec(t, db, "DELETE FROM tracks WHERE id = 1000")
		if st := again(); st.Rows != 300 || !st.Why().IsZero() {
			t.Errorf("tried again, with nothing in the way: %d rows, %s", st.Rows, st.Why())
		}
		same(t, snapshot(t, db, allTracks), before)
		if err := c.Retry(t.Context(), "x", ann); !errors.Is(err, bgtransform.ErrNotAllowed) || !contains(err.Error(), "refused no entry") {
			t.Errorf("a retry of nothing: %v", err)
		}
	})
}

// A batch that the database refuses leaves nothing in the journal: what there is
// counts the rows that were changed, and no others. Rows in quarantine were not,
// and a revert leaves them where they are.
func TestI2RolledBackBatchLeavesNoJournal(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		exec(t, db, "CREATE UNIQUE INDEX once ON tracks (length_ms)")
		exec(t, db, "UPDATE tracks SET length = 8 WHERE id = 9") // one of the two is refused, with the batches that it is in
		before := snapshot(t, db, allTracks)
		r := journaled("x")
		each := r.Each
		r.Each = func(ctx context.Context, m *Track) error {
			if m.ID == 100 {
				return errors.New("no")
			}
			return each(ctx, m)
		}
		in := start(t, db, quick(t), r)
		in.untilReason("x", bgtransform.ReasonQuarantine)
		if n, newest := count(t, db, "SELECT count(*) FROM bgtransform_journal"), count(t, db, "SELECT max(seq) FROM bgtransform_journal"); n != 298 || newest != 298 {
			t.Errorf("the journal has %d entries up to number %d, want 298 of each", n, newest)
		}
		must(t, in.Control().Revert(t.Context(), "x", ann))
		if st := in.untilState("x", bgtransform.StateReverted); st.Rows != 298 || st.Moved != 0 || st.Quarantined != 2 {
			t.Errorf("got %+v; want 298 rows back, and 2 in quarantine as before", st)
		}
		same(t, snapshot(t, db, allTracks), before)
	})
}

// A row that a journaled update leaves as it was, and pending, goes to quarantine,
// also where the server does not count such a row as updated.
func TestI5JournaledUpdateThatChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 250)
		r := toMSBySQL("x")
		r.Set, r.Writes = "length_ms = CASE WHEN id = 207 THEN NULL ELSE length * 1000 END", []string{"length_ms"}
		r.Options.Journal = true
		in := start(t, db, quick(t), r)
		st := in.untilReason("x", bgtransform.ReasonQuarantine)
		rows, err := in.Control().Quarantined(t.Context(), "x", 10)
		must(t, err)
		if len(rows) != 1 || rows[0].Key != "207" || st.Moved != 0 {
			t.Errorf("%d rows moved on, in quarantine are %+v; want none, and row 207", st.Moved, rows)
		}
		if n := count(t, db, "SELECT count(*) FROM bgtransform_journal"); n != 249 {
			t.Errorf("the journal has %d entries, want those of the 249 rows that have changed", n)
		}
	})
}

// A large row is kept as it is.
func TestRevertOfLargeRows(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		name := "å?$1 '" + fmt.Sprintf("%0200000d", 7)
		text := "text"
		if db.Dialect().Name() == dialect.MySQL {
			text = "longtext"
		}
		exec(t, db, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, title "+text+", length INTEGER, length_ms INTEGER)")
		tracks := []Track{{ID: 1, Title: name}, {ID: 2, Title: name + "2"}, {ID: 3, Title: "what?"}}
		must(t, errOf(db.NewInsert().Model(&tracks).Exec(t.Context())))
		before := snapshot(t, db, allTracks)
		in := start(t, db, quick(t), inPlace("x"))
		in.untilState("x", bgtransform.StateComplete)
		must(t, in.Control().Revert(t.Context(), "x", ann))
		in.untilState("x", bgtransform.StateReverted)
		same(t, snapshot(t, db, allTracks), before)
	})
}
