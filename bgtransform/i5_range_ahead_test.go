package bgtransform_test

import (
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Rows that the app inserts between two batches, into the range that was found by
// then or behind the last key, are done in the same pass.
func TestI5RangeFoundAhead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1000)
		exec(t, db, "UPDATE tracks SET id = -id")
		exec(t, db, "UPDATE tracks SET id = -10 * id")
		cfg, rec := quick(t), &recorder{}
		cfg.Observer = rec
		cfg.Limits.Duty, cfg.Limits.StartBatch, cfg.Limits.MinBatch, cfg.Limits.MaxBatch = 1, 100, 100, 100
		rec.hook = func(info bgtransform.BatchStartInfo) {
			if info.Pass == 1 {
				within, behind := 1000*(info.Batch-1)+5, 100_000+info.Batch
				exec(t, db, fmt.Sprintf("INSERT INTO tracks (id, title, length) VALUES (%d, 'within', 1), (%d, 'behind', 1)", within, behind))
			}
		}
		in := start(t, db, cfg, toMSBySQL("x"))
		in.untilState("x", bgtransform.StateComplete)
		rows := 0
		for _, end := range rec.all() {
			if end.Pass == 1 {
				rows += end.Changed
			}
		}
		if want := count(t, db, "SELECT count(*) FROM tracks"); int64(rows) != want {
			t.Errorf("the first pass changed %d rows, want %d: all that were there when it came by", rows, want)
		}
	})
}
