package bgtransformtest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// lengthMove moves seconds to milliseconds, in both directions.
func lengthMove(t *testing.T) bgtransform.Move[Track, int64] {
	c, err := dualread.New(dualread.Move[Track, int64]{
		Name:       "length-ms",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"},
		Backward:   []string{"? / 1000"},
		Old:        func(m *Track) (int64, bool) { return m.Length * 1000, true },
		New: func(m *Track) (int64, bool) {
			if m.LengthMS == nil {
				return 0, false
			}
			return *m.LengthMS, true
		},
		SetOld: func(m *Track, ms int64) { m.Length = ms / 1000 },
		SetNew: func(m *Track, ms int64) { m.LengthMS = &ms },
	})
	if err != nil {
		t.Fatal(err)
	}
	return bgtransform.Move[Track, int64]{Column: c}
}

// staleTracks has rows that are pending, moved, written by a dual write, and
// written since by somebody who knows the old column only.
func staleTracks() bgtransformtest.Fixture {
	return bgtransformtest.Rows(
		Track{ID: 1, Length: 1},
		Track{ID: 2, Length: 2, LengthMS: new(int64(2000))},
		Track{ID: 3, Length: 3, LengthMS: new(int64(3456))},
		Track{ID: 4, Length: 4, LengthMS: new(int64(3456))},
		Track{ID: 5, Length: 5, LengthMS: new(int64(0))},
	)
}

func TestMovesSurviveEveryFault(t *testing.T) {
	t.Parallel()
	bySQL := lengthMove(t)
	byCode := lengthMove(t)
	byCode.Inspect = func(context.Context, *Track) error { return nil }
	t.Run("sql", func(t *testing.T) {
		t.Parallel()
		bgtransformtest.KillEverywhere(t, staleTracks(), bySQL)
		bySQL.Options.Journal = true
		bgtransformtest.Reversible(t, staleTracks(), bySQL)
	})
	t.Run("code", func(t *testing.T) {
		t.Parallel()
		bgtransformtest.KillEverywhere(t, staleTracks(), byCode)
		bgtransformtest.Idempotent(t, staleTracks(), byCode)
		bgtransformtest.ConcurrentWriter(t, staleTracks(), byCode, dualWrite)
		db := bgtransformtest.Run(t, staleTracks(), byCode)
		n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms / 1000 = length").Count(t.Context())
		if err != nil || n != 5 {
			t.Errorf("%d rows hold the same in both columns (%v), want 5", n, err)
		}
	})
}

// Work has a length that moves to another table.
type Work struct {
	ID     int64    `bun:",pk"`
	Length int64    `bun:"length"`
	More   *WorkLen `bun:"rel:has-one,join:id=work_id"`
}

// WorkLen is that table.
type WorkLen struct {
	WorkID   int64  `bun:",pk"`
	LengthMS *int64 `bun:"length_ms"`
}

func TestMovesToAnotherTableSurviveEveryFault(t *testing.T) {
	t.Parallel()
	c, err := dualread.New(dualread.Move[Work, int64]{
		Name:        "work-length",
		OldColumns:  []string{"length"},
		NewColumns:  []string{"length_ms"},
		NewRelation: "More",
		Forward:     []string{"? * 1000"},
		Backward:    []string{"? / 1000"},
		Old:         func(w *Work) (int64, bool) { return w.Length * 1000, true },
		New:         func(w *Work) (int64, bool) { return *w.More.LengthMS, w.More != nil },
		SetOld:      func(w *Work, ms int64) { w.Length = ms / 1000 },
		SetNew:      func(w *Work, ms int64) { w.More = &WorkLen{LengthMS: &ms} },
	})
	if err != nil {
		t.Fatal(err)
	}
	works := bgtransformtest.Rows(
		[]Work{{ID: 1, Length: 1}, {ID: 2, Length: 2}, {ID: 3, Length: 3}, {ID: 4, Length: 4}, {ID: 5, Length: 5}},
		[]WorkLen{{WorkID: 2, LengthMS: new(int64(2345))}, {WorkID: 3, LengthMS: new(int64(2345))}},
	)
	m := bgtransform.Move[Work, int64]{Column: c}
	bgtransformtest.KillEverywhere(t, works, m)
	bgtransformtest.Idempotent(t, works, m)
	db := bgtransformtest.Run(t, works, m)
	var got []int64
	err = db.NewSelect().Model((*WorkLen)(nil)).Column("length_ms").Order("work_id").Scan(t.Context(), &got)
	if want := []int64{1000, 2345, 3000, 4000, 5000}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the other table has %v (%v), want %v", got, err, want)
	}
}
