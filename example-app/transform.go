package main

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// lengthToMS moves the rows that were written before the app knew length_ms: it
// is called for each of them, in batches, resumable, never twice in effect.
func lengthToMS() bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name:    moveName,
		Pending: "length_ms IS NULL",
		Reads:   []string{"length"},
		Writes:  []string{"length_ms"},
		Each: func(_ context.Context, t *Track) error {
			if t.Length < 0 {
				return negativeLengthError(t.Length) // the row goes to quarantine, the rest goes on
			}
			ms := t.Length * 1000
			t.LengthMS = &ms
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
