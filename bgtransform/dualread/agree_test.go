package dualread_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// The database and Read agree about every row in every phase, null or not.
func TestExprAgreesWithRead(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	rows := randomEntries(500)
	insert(t, db, &rows)
	c := newColumn(t, entryMove())
	for _, phase := range dualread.Phases() {
		setPhase(t, c, phase)
		var got []struct {
			entry `bun:",extend"`
			Value *int64 `bun:"value,scanonly"`
		}
		err := db.NewSelect().Model(&got).ColumnExpr("?TableColumns").ColumnExpr("? AS value", c.Expr()).Scan(t.Context())
		if err != nil || len(got) != len(rows) {
			t.Fatalf("select in %v: %d rows, error %v", phase, len(got), err)
		}
		for _, row := range got {
			if diff := cmp.Diff(c.Read(&row.entry), row.Value); diff != "" {
				t.Errorf("%v, row %+v: Read and SQL differ (-Read +SQL):\n%s", phase, row.entry, diff)
			}
		}
	}
}

// Sorting by Expr gives the order that sorting by Read gives.
func TestExprSortsAsReadDoes(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	rows := make([]track, 300)
	rng := rand.New(rand.NewPCG(2, 3))
	for i := range rows {
		rows[i] = track{ID: int64(i + 1), Length: rng.Int64N(100)}
		if rng.IntN(2) == 0 {
			rows[i].LengthMS = new(rng.Int64N(100_000))
		}
	}
	insert(t, db, &rows)
	c := newColumn(t, lengthMove())
	for _, phase := range []dualread.Phase{dualread.PhaseOld, dualread.PhaseFallback} {
		setPhase(t, c, phase)
		var got []track
		if err := db.NewSelect().Model(&got).OrderExpr("? DESC", c.Expr()).Scan(t.Context()); err != nil {
			t.Fatalf("select in %v: %v", phase, err)
		}
		if len(got) != len(rows) || !slices.IsSortedFunc(got, func(a, b track) int { return int(c.Read(&b) - c.Read(&a)) }) {
			t.Errorf("%v: %d rows, not sorted as Read has them", phase, len(got))
		}
	}
}

// randomEntries has every combination of null columns many times.
func randomEntries(n int) []entry {
	rng := rand.New(rand.NewPCG(1, 2))
	value := func() *int64 {
		if rng.IntN(3) == 0 {
			return nil
		}
		return new(rng.Int64N(200) - 100)
	}
	rows := make([]entry, n)
	for i := range rows {
		rows[i] = entry{Order: value(), From: value(), Select: value()}
	}
	return rows
}
