package bgtransform

import (
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// dryBatches is how many batches a dry run does.
const dryBatches = 5

// dryRun is what a dry run has seen. Its batches do everything that real ones
// do, up to the commit, which is a rollback.
type dryRun struct {
	origin  store.Range // where the attempt began, and where it is left
	began   time.Time
	batches int
	keys    int
	changed int
	bad     int
}

func (d *dryRun) count(res BatchResult) {
	d.batches++
	d.keys += res.Keys
	d.changed += res.Changed
	d.bad += res.Quarantined
}

// dryEnd ends a dry run after its batches.
func (a *attempt) dryEnd() (ending, bool) {
	if !a.e.settings.dryRun || a.dry.batches < dryBatches {
		return ending{}, false
	}
	return a.dry.end(a), true
}

func (d *dryRun) end(a *attempt) ending {
	took := time.Since(d.began).Round(time.Millisecond)
	state := StateWaiting
	if checkTransition(State(a.rec.Transform.State), state) != nil {
		state = "" // it has not begun: what is written stays
	}
	return ending{state: state, reason: Reason{Code: ReasonDryRun, Text: fmt.Sprintf(
		"dry run: %d batches with %d keys would have changed %d rows and put %d into quarantine, in %s; everything was rolled back",
		d.batches, d.keys, d.changed, d.bad, took,
	)}}
}
