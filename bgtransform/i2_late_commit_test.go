package bgtransform_test

import (
	"context"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A commit that nobody waited for any longer may arrive in the middle of the next
// batch, which is then refused. That batch was not committed, whatever the step
// forward in the database looks like: the run goes on from what the database holds,
// with the counts and the cursor of the late one.
func TestI2LateCommitIsNotTheNextOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		const rows, late = 300, 7
		seed(t, db, rows)
		def := toMS("x")
		each := def.Each
		var arrives sync.Once
		def.Each = func(ctx context.Context, m *Track) error {
			if m.ID == 150 {
				arrives.Do(func() {
					exec(t, db, "UPDATE bgtransform_ranges SET beats = beats + 1, rows_changed = rows_changed + 7, found_in_pass = found_in_pass + 7")
				})
			}
			return each(ctx, m)
		}
		in := start(t, db, quick(t), def)
		st := in.untilState("x", bgtransform.StateComplete)
		in.stop()
		if st.Rows != rows+late {
			t.Errorf("the run counts %d rows, want %d of its batches and %d of the late commit", st.Rows, rows, late)
		}
	})
}
