package bgtransform_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// By default a batch changes few rows, which is what users notice of it, and walks in
// large steps where nothing is left to change.
func TestBatchesChangeFewRowsByDefault(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t)
		seed(t, db, 12_000)
		rec := &recorder{}
		cfg := quick(t)
		cfg.Observer, cfg.Limits = rec, throttle.Limits{Duty: 1, Target: time.Minute}
		in := start(t, db, cfg, toMS("x"))
		in.untilState("x", bgtransform.StateComplete)
		changed, widest := 0, 0
		for _, b := range rec.all() {
			changed = max(changed, b.Changed)
			if b.Pass > 1 {
				widest = max(widest, b.Keys)
			}
		}
		if changed != 400 {
			t.Errorf("a batch changed up to %d rows, want 400", changed)
		}
		if widest < 1000 {
			t.Errorf("the second pass, which finds nothing, walked up to %d keys in a batch, want more than 1000", widest)
		}
	})
}

// An operator says how many rows a batch may change.
func TestTuneBatchRows(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3000)
	rec := &recorder{}
	cfg := quick(t)
	cfg.Observer, cfg.Limits = rec, throttle.Limits{Duty: 1, RowsPerSecond: 800, Target: time.Minute}
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Batches > 0 })
	seen := len(rec.limits())
	must(t, in.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingBatchRows: "40"}))
	untilBatch(in, rec, seen, 40)
	must(t, in.Control().Tune(t.Context(), "x", ann, values{bgtransform.SettingRowsPerSecond: "unlimited"}))
	in.untilState("x", bgtransform.StateComplete)
	after := rec.all()[seen:]
	first := slices.IndexFunc(after, func(b bgtransform.BatchEndInfo) bool { return b.Limit <= 40 })
	for i, b := range after[first:] {
		if b.Changed > 40 {
			t.Errorf("batch %d after the change changed %d rows, want 40 at most", i+1, b.Changed)
		}
	}
}

// Who waits in the foreground for the end is not held up by that.
func TestFinishChangesManyRowsAtOnce(t *testing.T) {
	t.Parallel()
	db := newDB(t, 12_000)
	rec := &recorder{}
	cfg := quick(t)
	cfg.Observer, cfg.Limits = rec, throttle.Limits{Target: time.Minute}
	must(t, finish(t, newFinisher(t, db, cfg, toMS("x")), "x"))
	changed := 0
	for _, b := range rec.all() {
		changed = max(changed, b.Changed)
	}
	if changed < 1000 {
		t.Errorf("a batch changed up to %d rows, want more than 1000", changed)
	}
}
