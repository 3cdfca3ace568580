package bgtransform_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Ratio is a table of numbers that may be none.
type Ratio struct {
	bun.BaseModel `bun:"table:ratios,alias:ratio"`

	ID     int64    `bun:"id,pk"`
	A      float64  `bun:"a"`
	B      float64  `bun:"b"`
	Double *float64 `bun:"dbl"`
	Single *float32 `bun:"sgl"`
}

// NaN is itself: where it is stored and right it is no mismatch, and code that
// makes it twice has made the same twice. The other databases store none.
func TestVerifyNaN(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, "pg").open(t)
	exec(t, db, "CREATE TABLE ratios (id bigint PRIMARY KEY, a double precision NOT NULL, b double precision NOT NULL, dbl double precision, sgl real)")
	exec(t, db, "INSERT INTO ratios (id, a, b) VALUES (1, 1, 3), (2, 0, 0), (3, 0, 0), (4, 1, 0)")
	in := start(t, db, quick(t), bgtransform.Rows[Ratio]{
		Name: "x", Pending: "dbl IS NULL", Reads: []string{"a", "b"}, Writes: []string{"dbl", "sgl"},
		Each: func(_ context.Context, m *Ratio) error {
			double := m.A / m.B
			single := float32(double)
			m.Double, m.Single = &double, &single
			return nil
		},
	})
	in.untilState("x", bgtransform.StateComplete)
	if v := in.verified("x", bgtransform.VerifyOptions{}); !v.Clean() || v.Rows != 4 {
		t.Errorf("of right rows it says %+v: %q", v, in.found("x"))
	}
	all := "SELECT id, dbl, sgl FROM ratios"
	before := snapshot(t, db, all)
	exec(t, db, "UPDATE ratios SET dbl = 1 WHERE id = 2")
	exec(t, db, "UPDATE ratios SET sgl = 1 WHERE id = 3")
	exec(t, db, "UPDATE ratios SET dbl = 'NaN' WHERE id = 4")
	if v := in.verified("x", bgtransform.VerifyOptions{Repair: true}); !v.Clean() || v.Repaired != 3 {
		t.Errorf("%+v", v)
	}
	want := []string{"2 value differs dbl repaired", "3 value differs sgl repaired", "4 value differs dbl repaired"}
	if diff := cmp.Diff(want, in.found("x")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	same(t, snapshot(t, db, all), before)
}
