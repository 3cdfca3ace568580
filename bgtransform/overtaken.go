package bgtransform

import (
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// contractedText says why a transform never runs again.
func contractedText(rec store.Record) string {
	since := rec.Transform.ContractedMS
	if since == 0 {
		since = rec.Now()
	}
	return fmt.Sprintf("a version of the app has run since %s that writes only the new column: the old one is out of date, so the transform never runs again; give one that is to transform what is left another name, and leave Backward out of it", stamp(since))
}

func stamp(ms int64) string { return at(ms).Format(time.RFC3339) }

// overtaken reports whether a transform that is not over will never run again, whatever
// else it waits for and operators have asked for.
func overtaken(rec store.Record) bool {
	in, r := rec.Intent, rec.Range
	asked := in.Restarts > r.Restarts || in.Retries > r.Retries
	switch State(rec.Transform.State) {
	case StatePending, StateRunning, StateWaiting, StateReverting:
		return rec.Transform.ContractedMS > 0
	case StateComplete, StateReverted, StateCancelled:
		return rec.Transform.ContractedMS > 0 && asked
	default:
		return false // paused, or failed: that has its own reason
	}
}

// outdated reports whether a transform is complete, and a new run is asked for that can
// never begin.
func outdated(rec store.Record) bool {
	return State(rec.Transform.State) == StateComplete && overtaken(rec)
}
