package main

import (
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// release2 expands: it writes both columns, reads the new one and, where that is
// null, the old one, and moves the old rows in the background (transform.go). Its
// phase is changed while it runs: example-app transforms tune track-length-ms phase=old.
func release2() (release, error) {
	length, err := dualread.New(trackLength())
	return release{
		number: 2,
		does:   "expand: writes both columns, moves the old rows",
		tracks: queries[Track, *Track]{length},
		tally:  wrongBoth,
		length: length,
		joins:  dualread.PhaseOld,
		phase:  dualread.PhaseFallback,
	}, err
}

// Track is a row of the catalogue, in the middle of the rename of its length.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`
	basics

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
