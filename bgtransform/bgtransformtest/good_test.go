package bgtransformtest_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

// dualWrite is an app that has begun to write both columns.
func dualWrite(ctx context.Context, db *bun.DB) error {
	_, err := db.NewUpdate().Model((*Track)(nil)).Set("length = 999, length_ms = 999999").Where("id IN (1, 5)").Exec(ctx)
	return err
}

func TestGoodTransforms(t *testing.T) {
	t.Parallel()
	for name, transform := range map[string]bgtransform.Transform{"rows": goodRows(), "sql": goodSQL()} {
		t.Run(name+" run to their end", func(t *testing.T) {
			t.Parallel()
			db := bgtransformtest.Run(t, twenty(), transform)
			n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms = length * 1000").Count(t.Context())
			if err != nil || n != 20 {
				t.Errorf("got %d rows with length_ms, %v; want 20", n, err)
			}
		})
		t.Run(name+" survive every fault", func(t *testing.T) {
			t.Parallel()
			bgtransformtest.KillEverywhere(t, five(), transform)
		})
		t.Run(name+" are idempotent", func(t *testing.T) {
			t.Parallel()
			bgtransformtest.Idempotent(t, twenty(), transform)
		})
		t.Run(name+" lose no update", func(t *testing.T) {
			t.Parallel()
			bgtransformtest.ConcurrentWriter(t, five(), transform, dualWrite)
		})
	}
}

func TestTwentyRows(t *testing.T) {
	t.Parallel()
	bgtransformtest.KillEverywhere(t, twenty(), goodRows())
}

func TestUserCodeRunsInTurn(t *testing.T) {
	t.Parallel()
	calls := 0 // without a lock: the race detector would tell
	transform := goodRows()
	transform.Each = func(ctx context.Context, m *Track) error {
		calls++
		return toMS(ctx, m)
	}
	bgtransformtest.KillEverywhere(t, five(), transform)
	if calls < 5*5 {
		t.Errorf("user code was called %d times; want it called in every run", calls)
	}
}

func TestEmptyTableIsComplete(t *testing.T) {
	t.Parallel()
	bgtransformtest.Run(t, bgtransformtest.Rows((*Track)(nil)), goodSQL())
}
