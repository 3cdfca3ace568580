package bgtransform_test

import (
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// To spread a sample over a large table costs a few entries of its index for each
// batch, whatever the key is: nothing is read on the way from one batch to the next.
func TestI4PlanIsBounded(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pg", "mysql"} {
		for _, k := range keys() {
			t.Run(kind+" "+k.table, func(t *testing.T) {
				t.Parallel()
				d := newDatabase(t, kind)
				filled := d.open(t)
				for _, s := range k.fill[kind] {
					exec(t, filled, strings.ReplaceAll(s, "?", "6000"))
				}
				exec(t, filled, "UPDATE "+k.table+" SET length_ms = NULL")
				exec(t, filled, map[string]string{"pg": "ANALYZE ", "mysql": "ANALYZE TABLE "}[kind]+k.table)
				must(t, filled.Close())
				m := meterOf(t, d, k.table)
				cfg := quick(t)
				cfg.Limits.MinBatch, cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 20, 20, 20
				plan := planOf(t, m.pool, cfg, bgtransform.PlanOptions{}, k.kinds()["SQL"])
				spread := kind == "pg" || k.table != "clips" // only MariaDB knows how it sorts its UUIDs
				if (plan.Part == bgtransform.PlanSpread) != spread || len(plan.Batches) != 8 {
					t.Errorf("the plan is %+v, want eight batches, spread: %t", plan, spread)
				}
				var got reads
				if kind == "pg" {
					must(t, m.pool.Close())
					after := m.ofPostgres(t)
					got = reads{after.inOrder - m.before.inOrder, after.scanned - m.before.scanned}
				} else {
					got = m.ofMariaDB(t)
				}
				if sample := int64(8 * 20); got.inOrder > 20*sample {
					t.Errorf("read %d entries for a sample of %d keys of 6000", got.inOrder, sample)
				}
				if kind == "pg" && got.scanned > 0 {
					t.Errorf("read %d rows by scans", got.scanned)
				}
			})
		}
	}
}
