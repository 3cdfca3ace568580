package bgtransform_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// tenfold is another definition of the same transform.
func tenfold(name string) bgtransform.Rows[Track] {
	r := toMS(name)
	r.Pending = "length_ms IS NULL OR length_ms <> length * 10000"
	r.Each = func(_ context.Context, m *Track) error {
		m.LengthMS = new(m.Length * 10_000)
		return nil
	}
	return r
}

// A new version of the app takes over a half-done run: under the same definition
// where it was, under another one from the first row.
func TestI5NewVersionTakesOver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		next  bgtransform.Transform
		pass  int64
		rows  int64
		wrong string
	}{
		"the same definition": {toMS("x"), 2, 1000, "length_ms IS NOT length * 1000"},
		"another pending":     {tenfold("x"), 3, 0, "length_ms IS NOT length * 10000"},
		"another kind":        {toMSBySQL("x"), 3, 1000, "length_ms IS NOT length * 1000"},
		"another revision":    {revised(toMS("x"), "2"), 3, 1000, "length_ms IS NOT length * 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, 1000)
			cfg := quick(t)
			cfg.Limits.RowsPerSecond = 500
			old := start(t, db, cfg, toMS("x"))
			old.until("x", "half done", func(st bgtransform.Status) bool { return st.Rows >= 300 })
			old.stop()
			done := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL")

			st := start(t, db, quick(t), test.next).untilState("x", bgtransform.StateComplete)
			if got := count(t, db, "SELECT count(*) FROM tracks WHERE "+test.wrong); got != 0 {
				t.Errorf("%d rows are not as the new definition wants them", got)
			}
			want := test.rows
			if want == 0 {
				want = 1000 + done // those of the old definition were done again
			}
			if st.Pass != test.pass || st.Rows != want || st.Run != 1 {
				t.Errorf("run %d, pass %d, %d rows; want run 1, pass %d, %d rows", st.Run, st.Pass, st.Rows, test.pass, want)
			}
		})
	}
}

func revised(r bgtransform.Rows[Track], revision string) bgtransform.Rows[Track] {
	r.Revision = revision
	return r
}

// What was complete by one definition is not by the next: a gate that asked
// would be told a lie.
func TestI5CompleteByAnotherDefinitionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	old := start(t, db, quick(t), toMS("x"))
	old.untilState("x", bgtransform.StateComplete)
	old.stop()

	in := start(t, db, quick(t), tenfold("x"))
	st := in.until("x", "complete again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete && st.Run == 2 })
	if got := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT length * 10000"); got != 0 || st.Rows != 100 {
		t.Errorf("%d rows are as the old definition made them, %d were written", got, st.Rows)
	}
	acts, err := in.Control().Actions(t.Context(), "x", 10)
	must(t, err)
	if len(acts) != 1 || acts[0].Action != "redefine" || acts[0].By != in.Instance() {
		t.Errorf("the log of actions has %+v, want who redefined it", acts)
	}
}

// Two versions side by side do not send each other back to the first row.
func TestI9OlderDefinitionKeepsAway(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	cfg := quick(t)
	old := start(t, db, cfg, toMS("x"))
	old.untilState("x", bgtransform.StateComplete)
	newer := start(t, db, cfg, tenfold("x"))
	newer.until("x", "complete again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete && st.Run == 2 })
	newer.stop()

	exec(t, db, "INSERT INTO tracks VALUES (1000, 'late', 7, NULL)")
	exec(t, db, "UPDATE bgtransform_transforms SET state = 'waiting'") // as if it had been interrupted
	st := old.untilReason("x", bgtransform.ReasonSuperseded)
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 1 || st.Run != 2 {
		t.Errorf("the older version went on: run %d, %d rows pending", st.Run, n)
	}

	// The deploy is rolled back, and the operator says so.
	must(t, old.Control().Restart(t.Context(), "x", ann))
	old.until("x", "complete by the old definition", func(st bgtransform.Status) bool {
		return st.State == bgtransform.StateComplete && st.Run == 3
	})
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 0 {
		t.Errorf("%d rows pending", n)
	}
}

// Code that was mended gets another try at the rows that it failed.
func TestNewRevisionRetriesTheQuarantine(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	broken := toMS("x")
	each := broken.Each
	broken.Each = func(ctx context.Context, m *Track) error {
		if m.ID%50 == 0 {
			return errors.New("no")
		}
		return each(ctx, m)
	}
	old := start(t, db, quick(t), broken)
	old.untilReason("x", bgtransform.ReasonQuarantine)
	old.stop()

	same := start(t, db, quick(t), toMS("x")) // nobody can see that the code is another
	if st := same.untilReason("x", bgtransform.ReasonQuarantine); st.Quarantined != 2 {
		t.Errorf("%d rows in quarantine, want 2", st.Quarantined)
	}
	same.stop()
	st := start(t, db, quick(t), revised(toMS("x"), "mended")).untilState("x", bgtransform.StateComplete)
	if st.Quarantined != 0 || st.Rows != 100 {
		t.Errorf("%d rows in quarantine, %d written; want none, and 100", st.Quarantined, st.Rows)
	}
}

// A dry run of a new version leaves the run of the old one as it is.
func TestDryRunOfANewDefinitionWritesNothing(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	cfg := quick(t)
	cfg.Limits.RowsPerSecond = 500
	old := start(t, db, cfg, toMS("x"))
	old.until("x", "half done", func(st bgtransform.Status) bool { return st.Rows >= 300 })
	old.stop()
	var was, is string
	const kept = "SELECT r.cursor_key || r.pass_no || t.definition || t.superseded FROM bgtransform_ranges AS r JOIN bgtransform_transforms AS t ON t.name = r.name"
	must(t, db.QueryRowContext(t.Context(), kept).Scan(&was))

	dry := quick(t)
	dry.Environ = []string{"BGTRANSFORM_DRY_RUN=true"}
	dry.IdlePoll = time.Hour
	in := start(t, db, dry, tenfold("x"))
	in.untilReason("x", bgtransform.ReasonDryRun)
	in.stop()
	must(t, db.QueryRowContext(t.Context(), kept).Scan(&is))
	if was != is {
		t.Errorf("before the dry run %q, after it %q", was, is)
	}
}
