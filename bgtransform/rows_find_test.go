package bgtransform

import (
	"context"
	"reflect"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// Rows that share a piece of memory share nothing that they hold.
func TestPiecesDoNotOverlap(t *testing.T) {
	t.Parallel()
	type model struct{ n int }
	var p pieces[model]
	rows := make([]row[model], 1000)
	for i := range rows {
		one := p.row(2, 3)
		if len(one.key) != 2 || len(one.guard) != 3 || one.model.n != 0 {
			t.Fatalf("row %d begins as %v, %v, %v", i, one.key, one.guard, *one.model)
		}
		one.key[0], one.key[1], one.model.n = i, i, i
		for j := range one.guard {
			one.guard[j] = i
		}
		_, _ = append(one.key, -1), append(one.guard, -1) // must not write to the neighbour
		rows[i] = one
	}
	for i, one := range rows {
		for _, v := range append(append([]any{}, one.key...), one.guard...) {
			if v != i {
				t.Fatalf("row %d holds %v, %v", i, one.key, one.guard)
			}
		}
		if one.model.n != i {
			t.Fatalf("row %d has the model of row %d", i, one.model.n)
		}
	}
}

// What a row costs in allocations, apart from the driver's and from user code's:
// the parts of rows are cut from pieces, and values are taken without a detour.
// Not parallel: AllocsPerRun counts the allocations of all goroutines.
func TestAllocationsOfARow(t *testing.T) { //nolint:paralleltest // it counts allocations
	const rows = 1000
	db := bun.NewDB(nil, sqlitedialect.New())
	type Track struct {
		ID       int64 `bun:",pk"`
		Length   int64
		LengthMS *int64
	}
	tab, err := tableOf(db, reflect.TypeFor[Track]())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := newRowPlan(tab, []string{"length"}, []string{"length_ms"})
	if err != nil {
		t.Fatal(err)
	}
	plan.resolve(tab)
	s := &rowStepper[Track]{walker: walker{table: tab, db: db}, plan: plan, caller: newCaller(context.Background())}
	s.def.Each = func(_ context.Context, tr *Track) error { tr.LengthMS = &tr.Length; return nil }
	for _, f := range plan.writes {
		s.getters = append(s.getters, tab.d.Getter(db.QueryGen(), f, tab.cols[f.Name]))
	}
	ctx := t.Context()
	read := make([]any, len(plan.selects))
	got := testing.AllocsPerRun(5, func() {
		f := found[Track]{rows: make([]row[Track], 0, rows)}
		for i := range rows {
			for j := range read {
				read[j] = int64(1000 + i) // smaller ones cost nothing to box
			}
			if err := s.add(&f, read, Skips{}); err != nil {
				t.Fatal(err)
			}
		}
		done, err := s.transform(ctx, f, 0, nil)
		if err != nil || len(done.good) != rows {
			t.Fatalf("%d rows, %v", len(done.good), err)
		}
		s.values(done.good)
	})
	// The boxes of three values that are read above, the model's own pointer, and the
	// box of the value that is written.
	if perRow := got / rows; perRow > 5.2 {
		t.Errorf("%.1f allocations a row, want 5, and a few for the batch", perRow)
	}
}
