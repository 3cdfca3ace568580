package bgtransformtest_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

// What an app's test file looks like: helpers need a testing.TB, so this is a
// test and not an Example.
func TestTrackLength(t *testing.T) {
	lengthMS := bgtransform.SQL[Track]{
		Name: "track-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000",
	}
	tracks := bgtransformtest.Rows(Track{ID: 1, Length: 200}, Track{ID: 2, Length: 0}, Track{ID: 3, Length: 7})
	db := bgtransformtest.Run(t, tracks, lengthMS)
	bgtransformtest.KillEverywhere(t, tracks, lengthMS)
	bgtransformtest.Idempotent(t, tracks, lengthMS)
	bgtransformtest.ConcurrentWriter(t, tracks, lengthMS, func(ctx context.Context, db *bun.DB) error {
		_, err := db.NewUpdate().Model((*Track)(nil)).Set("length = 5, length_ms = 5000").Where("id = 2").Exec(ctx)
		return err
	})

	var first Track
	if err := db.NewSelect().Model(&first).Where("id = 1").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first.LengthMS == nil || *first.LengthMS != 200_000 {
		t.Errorf("got length_ms %v; want 200000", first.LengthMS)
	}
}
