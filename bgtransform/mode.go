package bgtransform

import (
	"context"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// activeIn returns the state of a transform that is at work in a run of a mode.
func activeIn(mode string) State {
	switch mode {
	case store.ModeRevert:
		return StateReverting
	case store.ModeVerify:
		return StateComplete // to look at the rows again makes no difference to what they are
	default:
		return StateRunning
	}
}

// doneIn returns the state of a transform whose run of a mode has come to its end.
func doneIn(mode string) State {
	if mode == store.ModeRevert {
		return StateReverted
	}
	return StateComplete
}

func (a *attempt) reverting() bool { return a.rec.Range.Mode == store.ModeRevert }

// walk opens what walks the rows of a run, by its mode.
func (a *attempt) walk(ctx context.Context) (Stepper, error) {
	if a.reverting() {
		return a.openRevert(ctx)
	}
	if a.verifying() {
		return a.openVerify(ctx)
	}
	return a.e.transform.Open(ctx, a.s.db)
}

// modeWanted returns the mode of the run that an attempt would work on.
func modeWanted(rec store.Record) string {
	if rec.Intent.Restarts > rec.Range.Restarts {
		return rec.Intent.Mode
	}
	return rec.Range.Mode
}
