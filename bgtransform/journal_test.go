package bgtransform_test

import (
	"context"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

// inPlace changes the length of tracks from seconds to milliseconds, and marks
// by the title what is done.
func inPlace(name string) bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: name, Pending: "title NOT LIKE 'ms %'", Reads: []string{}, Writes: []string{"title", "length"},
		Each: func(_ context.Context, m *Track) error {
			m.Title, m.Length = "ms "+m.Title, m.Length*1000
			return nil
		},
		Options: bgtransform.Options{Journal: true},
	}
}

func inPlaceBySQL(name string) bgtransform.SQL[Track] {
	return bgtransform.SQL[Track]{
		Name: name, Pending: "title NOT LIKE 'ms %'", Set: "title = 'ms ' || title, length = length * 1000",
		Writes: []string{"title", "length"}, Options: bgtransform.Options{Journal: true},
	}
}

// The process is killed right before and right after every commit of the run
// and of the revert: rows, journal and checkpoint commit as one, so that what
// comes back is what was there before, each row written once there and once back.
func TestI2ExactlyOnceRevert(t *testing.T) {
	t.Parallel()
	rows := 10
	if raceEnabled {
		rows = 5 // a commit is a run and a revert, and there are more of each
	}
	for name, transform := range map[string]bgtransform.Transform{"rows": inPlace("x"), "sql": inPlaceBySQL("x")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bgtransformtest.Reversible(t, tracksTo(rows), transform)
		})
	}
}
