package bgtransform_test

import (
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A plan knows which rows are in the set of processed keys, and puts none into it,
// wherever the set is, and whether or not it is there yet.
func TestPlanOfProcessedKeys(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 400)
		for name, set := range map[string]bgtransform.Processed{"database": bgtransform.ProcessedInDatabase(), "redis": inRedis(t)} {
			plan := func() bgtransform.Plan {
				return planOf(t, db, quick(t), bgtransform.PlanOptions{Batches: 12}, dearer(name, set))
			}
			exec(t, db, "UPDATE tracks SET length = id")
			if p := plan(); p.Part != bgtransform.PlanWhole || p.Pending != 400 {
				t.Errorf("%s: before it has ever run: %+v, want 400 pending rows", name, p)
			}
			in := start(t, db, quick(t), dearer(name, set))
			in.untilState(name, bgtransform.StateComplete)
			in.stop()
			exec(t, db, "INSERT INTO tracks (id, title, length) SELECT id + 10000, title, id + 10000 FROM tracks WHERE id <= 100")
			for range 2 {
				if p := plan(); p.Keys != 500 || p.Pending != 100 {
					t.Errorf("%s: the plan is %+v, want 100 pending rows of 500", name, p)
				}
			}
			in = start(t, db, quick(t), dearer(name, set))
			must(t, in.Control().Restart(t.Context(), name, ann))
			in.until(name, "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
			in.stop()
			wantDearer(t, db, 500)
			exec(t, db, "DELETE FROM tracks WHERE id > 10000")
		}
	})
}
