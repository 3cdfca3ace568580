package bgtransformtest_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

// kept returns the good transform with a journal.
func kept() bgtransform.Rows[Track] {
	r := goodRows()
	r.Options.Journal = true
	return r
}

func TestReversible(t *testing.T) {
	t.Parallel()
	bgtransformtest.Reversible(t, five(), kept())
}

// liar says of every row that it is as it was, and writes nothing.
type liar struct{ bgtransform.Rows[Track] }

func (liar) OpenRevert(context.Context, *bun.DB) (bgtransform.Undoer, error) { return liar{}, nil }

func (liar) Undo(_ context.Context, _ bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
	undone := make([]bgtransform.Undone, len(images))
	for i := range undone {
		undone[i] = bgtransform.UndoneReverted
	}
	return undone, nil
}

// fussy leaves every row.
type fussy struct{ bgtransform.Rows[Track] }

func (fussy) OpenRevert(context.Context, *bun.DB) (bgtransform.Undoer, error) { return fussy{}, nil }

func (fussy) Undo(_ context.Context, _ bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
	undone := make([]bgtransform.Undone, len(images))
	for i := range undone {
		undone[i] = bgtransform.UndoneChanged
	}
	return undone, nil
}

func TestReversibleReports(t *testing.T) {
	t.Parallel()
	done := int64(1)
	for name, c := range map[string]struct {
		fixture   bgtransformtest.Fixture
		transform bgtransform.Transform
		want      []string
	}{
		"a column that is written and not named": {
			five(),
			bgtransform.SQL[Track]{
				Name: "more", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000, plays = 7",
				Writes: []string{"length_ms"}, Options: bgtransform.Options{Journal: true},
			},
			[]string{`transform "more" is not reversible`, "tracks id=1: plays is 7, want"},
		},
		"no journal":                        {five(), goodRows(), []string{"its journal has nothing to revert"}},
		"nothing to do":                     {bgtransformtest.Rows(Track{ID: 1, LengthMS: &done}), kept(), []string{"found nothing to do"}},
		"code that says it has written":     {five(), liar{kept()}, []string{"is not reversible", "tracks id=1: length_ms is 100000, want"}},
		"code that leaves rows that it may": {five(), fussy{kept()}, []string{"5 changed since"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReport(t, failures(t, func(tb testing.TB) { bgtransformtest.Reversible(tb, c.fixture, c.transform) }), c.want...)
		})
	}
}
