package bgtransform_test

import (
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Every database counts the rows that were found pending and written, in batches
// that are dense, sparse and empty: also a row that holds the new value already,
// of which MariaDB does not say that it was written.
func TestI2CountsOnEachDatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1000)
		exec(t, db, "UPDATE tracks SET length_ms = length * 1000 WHERE id = 150 OR id > 200 AND id <= 300 AND id % 2 = 1 OR id > 400 AND id <= 600 OR id > 600 AND id % 2 = 1")
		tr := toMSBySQL("x")
		tr.Pending = "length_ms IS NULL OR id = 150"
		rec := &recorder{}
		cfg := quick(t)
		cfg.Observer = rec
		in := start(t, db, cfg, tr)
		in.untilReason("x", bgtransform.ReasonQuarantine) // where the row goes that stays pending
		in.stop()
		found, changed := 0, 0
		for _, b := range rec.all() {
			if b.Pass == 1 {
				found += b.Found
				changed += b.Changed
			}
		}
		if found != 550 || changed != 550 {
			t.Errorf("the first pass counts %d rows found and %d changed, want 550 of both", found, changed)
		}
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE "+differs(db, "length_ms", "length * 1000")); n != 0 {
			t.Errorf("%d rows are wrong", n)
		}
	})
}
