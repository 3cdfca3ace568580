package main

import (
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Track is a row of the catalogue, in the middle of the rename of its length.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk,autoincrement"`
	Title    string `bun:"title"`
	Artist   string `bun:"artist"`
	Length   int64  `bun:"length"`    // whole seconds; to be dropped
	LengthMS *int64 `bun:"length_ms"` // milliseconds; null until the row is moved
}

// moveName names the rename: for ever, in the database, in flags and in metrics.
const moveName = "track-length-ms"

// trackLength says how a track's length is read from and written to the two
// columns: all that the request path and the transform need to know about the rename.
func trackLength() dualread.Move[Track, int64] {
	return dualread.Move[Track, int64]{
		Name:       moveName,
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"},                // agrees with Old
		Backward:   []string{"(?0 - ?0 % 1000) / 1000"}, // agrees with SetOld; MariaDB's / gives fractions
		Old:        func(t *Track) (int64, bool) { return t.Length * 1000, true },
		New: func(t *Track) (int64, bool) {
			if t.LengthMS == nil {
				return 0, false
			}
			return *t.LengthMS, true
		},
		SetOld: func(t *Track, ms int64) { t.Length = ms / 1000 },
		SetNew: func(t *Track, ms int64) { t.LengthMS = &ms },
	}
}
