package main

import (
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// release3 reads the new column only, as if the old one were gone. It has the model
// of release 2 and writes both columns still, so that going back loses nothing.
func release3() (release, error) {
	r, err := release2()
	r.number = 3
	r.does = "reads length_ms only, still writes both"
	r.tally = wrongNew
	r.joins, r.phase = dualread.PhaseNew, dualread.PhaseNew
	return r, err
}
