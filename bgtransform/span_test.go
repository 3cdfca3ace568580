package bgtransform_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// What is left of a table whose keys are UUIDs or bytes is known without counting,
// also of one that no database has ever analyzed, whether they are random or grow.
func TestRemainingOfUUIDs(t *testing.T) {
	t.Parallel()
	type thing struct {
		bun.BaseModel `bun:"table:things"`

		ID string `bun:"id,pk"`
		V  *int64 `bun:"v"`
	}
	random := func(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", uint32(i*2654435761)) }
	growing := func(i int) string { return fmt.Sprintf("0195%04x-%04x-7000-8000-000000000000", i/16, i%16*4096) }
	onEachDatabase(t, func(t *testing.T, d database) {
		types := map[string][]string{"sqlite": {"text"}, "pg": {"uuid", "text", "varchar(36)"}, "mysql": {"char(36)"}}
		for _, typ := range types[d.kind] {
			for how, key := range map[string]func(int) string{"random": random, "growing": growing} {
				db := newDatabase(t, d.kind).open(t)
				exec(t, db, "CREATE TABLE things (id "+typ+" PRIMARY KEY, v int)")
				const n = 1000
				var all []thing
				for i := range n {
					all = append(all, thing{ID: key(i + 1)})
				}
				must(t, errOf(db.NewInsert().Model(&all).Exec(t.Context())))
				walked, left := int64(0), int64(-1)
				stepper, err := bgtransform.SQL[thing]{Name: "x", Pending: "v IS NULL", Set: "v = 1"}.Open(t.Context(), db)
				must(t, err)
				for after := ""; walked < n/2; {
					step, err := stepper.Step(t.Context(), bgtransform.Request{After: after, Limit: 100})
					must(t, err)
					after, walked = step.Cursor, walked+int64(step.Keys)
					left = remaining(t, stepper, after, 1e6) // so that what the database believes is 0
				}
				if left < n/2-n/10 || left > n/2+n/10 {
					t.Errorf("%s, %s: %d keys are said to be left of %d, of which %d were walked", typ, how, left, n, walked)
				}
			}
		}
	})
}

func remaining(t *testing.T, s bgtransform.Stepper, after string, walked int64) int64 {
	t.Helper()
	left, err := s.(bgtransform.Estimator).Remaining(context.Background(), after, walked)
	must(t, err)
	return left
}
