package main

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// lengthToMS moves the rows that were written before the app knew length_ms, and
// those that an older version of the app writes beside this one: in batches,
// resumable, never twice in effect. How is what trackLength says.
func lengthToMS(length *dualread.Column[Track, int64]) bgtransform.Move[Track, int64] {
	return bgtransform.Move[Track, int64]{
		Column: length,
		Inspect: func(_ context.Context, t *Track) error {
			if t.Length < 0 {
				return negativeLengthError(t.Length) // the row goes to quarantine, the rest goes on
			}
			return nil
		},
	}
}

// pace is slow enough to watch.
func pace() throttle.Limits { return throttle.Limits{RowsPerSecond: 10_000, MaxBatch: 1000} }

// negativeLengthError is a length that cannot be right. Operators see the type as
// the error's class.
type negativeLengthError int64

func (e negativeLengthError) Error() string {
	return fmt.Sprintf("the length is negative: %d seconds", int64(e))
}
