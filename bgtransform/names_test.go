package bgtransform_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Named has columns that are called as our statements might call theirs.
type Named struct {
	bun.BaseModel `bun:"table:order,alias:select"`

	N  int64  `bun:"n,pk"`
	C1 int64  `bun:"c1"`
	V  int64  `bun:"v"`
	D  *int64 `bun:"d"`
}

func TestColumnsNamedAsInOurStatements(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		must(t, errOf(db.NewCreateTable().Model((*Named)(nil)).Exec(t.Context())))
		rows := []Named{{N: 1, C1: 2, V: 3}, {N: 2, C1: 3, V: 4}, {N: 3, C1: 4, V: 5}}
		must(t, errOf(db.NewInsert().Model(&rows).Exec(t.Context())))
		r := bgtransform.Rows[Named]{
			Name: "x", Pending: "d IS NULL AND n > 0 AND c1 > 0", Reads: []string{"c1", "v"}, Writes: []string{"d"},
			Each: func(_ context.Context, m *Named) error {
				m.D = new(m.C1 * m.V)
				return nil
			},
		}
		start(t, db, quick(t), r).untilState("x", bgtransform.StateComplete)
		must(t, db.NewSelect().Model(&rows).OrderExpr("n").Scan(t.Context()))
		for _, row := range rows {
			if row.D == nil || *row.D != row.C1*row.V {
				t.Errorf("row %d has %v, want %d", row.N, row.D, row.C1*row.V)
			}
		}
	})
}
