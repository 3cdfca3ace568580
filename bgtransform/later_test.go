package bgtransform_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A service that is down is no row's fault: nothing goes to quarantine, the
// status says so, and the batch is tried again.
func TestLaterIsNoRowsFault(t *testing.T) {
	t.Parallel()
	for _, batch := range []bool{false, true} {
		db := newDB(t, 300)
		var down atomic.Bool
		down.Store(true)
		r := toMS("x")
		each := r.Each
		r.Each = func(ctx context.Context, m *Track) error {
			if m.ID > 150 && down.Load() {
				return bgtransform.Later(time.Second, errors.New("the service is down"))
			}
			return each(ctx, m)
		}
		if one := r.Each; batch {
			r.Each = nil
			r.Batch = func(ctx context.Context, ms []*Track) error {
				var errs []error
				for _, m := range ms {
					errs = append(errs, one(ctx, m))
				}
				return errors.Join(errs...)
			}
		}
		in := start(t, db, quick(t), r)
		st := in.untilReason("x", bgtransform.ReasonBackoff)
		if st.State != bgtransform.StateRunning || st.Rows != 100 || st.Quarantined != 0 {
			t.Errorf("while it is down: %+v", st)
		}
		down.Store(false)
		if st = in.untilState("x", bgtransform.StateComplete); st.Rows != 300 || st.Quarantined != 0 {
			t.Errorf("got %+v", st)
		}
	}
}
