package bgtransform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestI5CompleteEmptyTable(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	st := start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete)
	if st.Rows != 0 || st.Remaining != 0 || st.Progress != 1 {
		t.Errorf("got %+v", st)
	}
}

// Rows that are inserted behind the cursor are found by the next pass.
func TestI5CompleteInsertedBehind(t *testing.T) {
	t.Parallel()
	db := newDB(t, 500)
	exec(t, db, "UPDATE tracks SET id = id + 1000")
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 1400 { // an old instance inserts without a dual write
			exec(t, db, "INSERT INTO tracks VALUES (7, 'late', 7, NULL)")
		}
		return each(ctx, m)
	}
	st := start(t, db, quick(t), r).untilState("x", bgtransform.StateComplete)
	if st.Rows != 501 || st.Pass < 3 {
		t.Errorf("%d rows in %d passes; want 501 rows, and a third pass that finds nothing", st.Rows, st.Pass)
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 0 {
		t.Errorf("complete, but %d rows are pending", n)
	}
}

// Quarantined rows block completion until they are fixed and retried, or accepted.
func TestI5CompleteQuarantineBlocks(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	exec(t, db, "UPDATE tracks SET length = -1 WHERE id IN (5, 105, 205)")
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.Length < 0 {
			return errors.New("negative length")
		}
		return each(ctx, m)
	}
	in := start(t, db, quick(t), r)
	st := in.untilReason("x", bgtransform.ReasonQuarantine)
	if st.State != bgtransform.StateWaiting || st.Quarantined != 3 || st.Rows != 297 {
		t.Fatalf("got %+v", st)
	}
	rows, err := in.Control().Quarantined(t.Context(), "x", 10)
	must(t, err)
	if len(rows) != 3 || rows[0].Class != "error" || rows[0].Message != "negative length" {
		t.Errorf("quarantine is %+v", rows)
	}

	ctx, me := t.Context(), bgtransform.By{Who: "ann", Why: "fixed"}
	exec(t, db, "UPDATE tracks SET length = 5 WHERE id = 5")
	exec(t, db, "DELETE FROM tracks WHERE id = 105")
	must(t, in.Control().Retry(ctx, "x", me))
	st = in.until("x", "down to one", func(st bgtransform.Status) bool {
		return st.Quarantined == 1 && st.Reason.Code == bgtransform.ReasonQuarantine
	})
	if st.Rows != 298 {
		t.Errorf("%d rows were changed, want 298", st.Rows)
	}
	must(t, in.Control().Accept(ctx, "x", me))
	st = in.untilState("x", bgtransform.StateComplete)
	if st.Quarantined != 0 || st.Accepted != 1 {
		t.Errorf("got %+v", st)
	}
	if n := count(t, db, "SELECT length_ms FROM tracks WHERE id = 5"); n != 5000 {
		t.Errorf("track 5: length_ms is %d, want 5000", n)
	}
}

// The table vanishes in the middle: that is never "zero rows".
func TestI5CompleteBrokenIsNotEmpty(t *testing.T) {
	t.Parallel()
	for _, kind := range []bgtransform.Transform{toMS("x"), toMSBySQL("x")} {
		db := newDB(t, 1000)
		watch := &recorder{}
		watch.hook = func(info bgtransform.BatchStartInfo) {
			if info.Batch == 3 && info.Attempt == 1 {
				exec(t, db, "ALTER TABLE tracks RENAME TO elsewhere")
			}
		}
		cfg := quick(t)
		cfg.Observer = watch
		in := start(t, db, cfg, kind)
		st := in.untilReason("x", bgtransform.ReasonSchema)
		if st.State != bgtransform.StateWaiting || st.Rows != 200 {
			t.Errorf("%T: got %+v", kind, st)
		}
		exec(t, db, "ALTER TABLE elsewhere RENAME TO tracks")
		if st = in.untilState("x", bgtransform.StateComplete); st.Rows != 1000 {
			t.Errorf("%T: %d rows, want 1000", kind, st.Rows)
		}
	}
}
