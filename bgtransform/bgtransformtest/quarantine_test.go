package bgtransformtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

func TestExpectedQuarantine(t *testing.T) {
	t.Parallel()
	transform := goodRows()
	transform.Each = func(ctx context.Context, m *Track) error {
		if m.Length%2 == 1 { // 101 and 103
			return errors.New("cannot be halved")
		}
		return toMS(ctx, m)
	}
	two := bgtransformtest.WithQuarantine(2)
	db := bgtransformtest.Run(t, five(), transform, two)
	n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms IS NULL").Count(t.Context())
	if err != nil || n != 2 {
		t.Errorf("got %d rows without length_ms, %v; want 2", n, err)
	}
	bgtransformtest.KillEverywhere(t, five(), transform, two)
	bgtransformtest.Idempotent(t, five(), transform, two)
}
