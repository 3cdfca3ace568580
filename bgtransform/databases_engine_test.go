package bgtransform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Both ready-made kinds do their work on every database, with the lease of the
// database itself.
func TestTransformsRunToTheirEndOnEachDatabase(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for _, transform := range []bgtransform.Transform{toMS("x"), toMSBySQL("x")} {
			db := newDBOn(t, d.kind, 550)
			audit(t, db)
			cfg := quick(t)
			cfg.Locker = nil
			in := start(t, db, cfg, transform)
			st := in.untilState("x", bgtransform.StateComplete)
			if st.Rows != 550 || st.Moved != 0 || st.Quarantined != 0 {
				t.Errorf("%T: %d rows, %d moved, %d in quarantine; want 550, 0 and 0", transform, st.Rows, st.Moved, st.Quarantined)
			}
			wantOnce(t, db, 550)
		}
	})
}

// A row that fails, by its code or by the database, goes to quarantine, from
// where a retry takes it, and the signs and actions are kept.
func TestQuarantineOnEachDatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		exec(t, db, "CREATE UNIQUE INDEX once ON tracks (length_ms)")
		exec(t, db, "UPDATE tracks SET length = 8 WHERE id = 9") // the database refuses one of the two
		r := toMS("x")
		each := r.Each
		r.Each = func(ctx context.Context, m *Track) error {
			if m.ID == 100 {
				return errors.New("no")
			}
			return each(ctx, m)
		}
		in := start(t, db, quick(t), r)
		st := in.untilReason("x", bgtransform.ReasonQuarantine)
		if st.Quarantined != 2 || st.Rows != 298 {
			t.Fatalf("%d rows and %d in quarantine, want 298 and 2: %s", st.Rows, st.Quarantined, st.LastError)
		}
		exec(t, db, "UPDATE tracks SET length = 9 WHERE id = 9")
		must(t, in.Control().Retry(t.Context(), "x", bgtransform.By{Who: "ann", Why: "mended"}))
		in.until("x", "one in quarantine", func(st bgtransform.Status) bool { return st.Quarantined == 1 && st.Rows == 299 })
		must(t, in.Control().Accept(t.Context(), "x", bgtransform.By{Who: "ann", Why: "as it is"}))
		in.untilState("x", bgtransform.StateComplete)
	})
}
