package bgtransform_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A retry that comes while the revert goes on forgets which rows the database had
// refused: their older changes are undone with them, by the same attempt.
func TestRevertIsRetriedWhileItRuns(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100)
	before := snapshot(t, db, allTracks)
	twice(t, db, func() {}).stop()
	exec(t, db, "CREATE UNIQUE INDEX once ON tracks (length)")
	exec(t, db, "INSERT INTO tracks (id, title, length) VALUES (1000, 'v2 in the way', 93000)")
	cfg := quick(t)
	cfg.Limits.RowsPerSecond, cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 50, 10, 10
	in := start(t, db, cfg, oneMore("x"))
	c := in.Control()
	must(t, c.Revert(t.Context(), "x", ann))
	refused := in.until("x", "refused a row", func(st bgtransform.Status) bool { return st.Moved > 0 })
	exec(t, db, "DELETE FROM tracks WHERE id = 1000")
	must(t, c.Retry(t.Context(), "x", ann))
	st := in.untilState("x", bgtransform.StateReverted)
	if st.Rows != 200 || !st.Why().IsZero() || st.Attempt != refused.Attempt || st.Pass != refused.Pass+1 {
		t.Errorf("%d rows are written back by attempt %d in pass %d, want 200 by attempt %d in pass %d: %s",
			st.Rows, st.Attempt, st.Pass, refused.Attempt, refused.Pass+1, st.Why())
	}
	same(t, snapshot(t, db, allTracks), before)
}
