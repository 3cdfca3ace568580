package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// deletes calls fn after the nth DELETE that the app's database has carried out.
type deletes struct {
	n  int64
	fn func()

	seen atomic.Int64
}

func (*deletes) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (d *deletes) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	if strings.HasPrefix(event.Query, "DELETE") && d.seen.Add(1) == d.n {
		d.fn()
	}
}

// A journal goes in chunks, the newest first. When that is interrupted, what is
// left is the oldest part, and the next call goes on with it.
func TestI4JournalIsDroppedInChunks(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 4500)
		cfg := quick(t)
		cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 500, 500
		bySQL := toMSBySQL("x")
		bySQL.Writes, bySQL.Options.Journal = []string{"length_ms"}, true
		in := start(t, db, cfg, bySQL)
		in.untilState("x", bgtransform.StateComplete)

		ctx, cancel := context.WithCancelCause(t.Context())
		second := errors.New("the second chunk is under way")
		hook := &deletes{n: 2, fn: func() { cancel(second) }}
		control, err := bgtransform.NewControl(db.WithQueryHook(hook))
		must(t, err)
		deleted, err := control.DropJournal(ctx, "x", ann)
		if deleted != 2000 || !errors.Is(err, second) && !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted in the second chunk, %d entries were deleted, %v; want 2000", deleted, err)
		}
		if n, newest := count(t, db, "SELECT count(*) FROM bgtransform_journal"), count(t, db, "SELECT max(seq) FROM bgtransform_journal"); n != 2500 || newest != 2500 {
			t.Errorf("%d entries are left, up to number %d; want the oldest 2500", n, newest)
		}
		deleted, err = control.DropJournal(t.Context(), "x", ann)
		if deleted != 2500 || err != nil {
			t.Errorf("%d more entries were deleted, %v; want 2500", deleted, err)
		}
		if n := hook.seen.Load(); n != 2+2+5 { // and at last one for each standing, which finds nothing
			t.Errorf("they were deleted by %d statements, want 9", n)
		}
		if err := in.Control().Revert(t.Context(), "x", ann); !errors.Is(err, bgtransform.ErrNotAllowed) {
			t.Errorf("a revert without a journal: %v", err)
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms = length * 1000"); n != 4500 {
			t.Errorf("%d rows are as the transform has left them, want 4500", n)
		}
	})
}

// What came into the journal after it was dropped can still be reverted.
func TestRevertOfWhatIsLeftOfAJournal(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	cfg, pauses := tens(t, 1, 5)
	in := start(t, db, cfg, journaled("x"))
	control := in.Control()
	pauses <- control
	in.untilState("x", bgtransform.StatePaused)
	if n, err := control.DropJournal(t.Context(), "x", ann); n != 50 || err != nil {
		t.Errorf("paused, %d entries were dropped, %v; want 50", n, err)
	}
	must(t, control.Resume(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StateComplete)
	must(t, control.Revert(t.Context(), "x", ann))
	if st := in.untilState("x", bgtransform.StateReverted); st.Rows != 50 {
		t.Errorf("%d rows were written back, want the 50 that the journal still had", st.Rows)
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL AND id > 50"); n != 50 {
		t.Errorf("%d of the 50 rows that the journal still had are as they were", n)
	}
}
