package bgtransformtest_test

import (
	"context"
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
	for name, m := range map[string]bgtransform.Move[Track, int64]{"sql": bySQL, "code": byCode} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bgtransformtest.KillEverywhere(t, staleTracks(), m)
			bgtransformtest.Idempotent(t, staleTracks(), m)
			bgtransformtest.ConcurrentWriter(t, staleTracks(), m, dualWrite)
			journaled := m
			journaled.Options.Journal = true
			bgtransformtest.Reversible(t, staleTracks(), journaled)
			db := bgtransformtest.Run(t, staleTracks(), m)
			n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms / 1000 = length").Count(t.Context())
			if err != nil || n != 5 {
				t.Errorf("%d rows hold the same in both columns (%v), want 5", n, err)
			}
		})
	}
}
