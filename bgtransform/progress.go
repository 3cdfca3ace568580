package bgtransform

import (
	"context"
	"math"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// estimateEvery is how often the rest of the walk is estimated with a query.
// In between, the keys that were walked are taken off.
const estimateEvery = time.Second

// estimate brings up to date how many keys are left to walk in this pass, and the
// share of the run that is done.
func (a *attempt) estimate(ctx context.Context, step *Step) {
	r := &a.rec.Range
	r.Remaining = a.keysLeft(ctx, step)
	if r.Remaining >= 0 {
		r.PassKeys = r.KeysInPass + r.Remaining
	}
	r.Share = shown(r.Share, shareOf(*r))
}

// keysLeft returns -1 when nobody knows. An estimate that is used up before the walk
// has come to its end was wrong, and is none.
func (a *attempt) keysLeft(ctx context.Context, step *Step) int64 {
	r := &a.rec.Range
	if step.Last {
		return 0
	}
	left := r.Remaining - int64(step.Keys)
	if est, ok := a.stepper.(Estimator); ok && time.Since(a.estimated) >= estimateEvery {
		a.estimated = time.Now()
		n, err := contain(ctx, func() (int64, error) { return est.Remaining(ctx, r.Cursor, r.KeysInPass) })
		if err == nil && n > 0 {
			return n
		}
		if r.Pass == 1 || r.Mode != store.ModeTransform {
			left = -1
		}
	}
	if left <= 0 && r.Pass > 1 && r.PassKeys > r.KeysInPass {
		left = r.PassKeys - r.KeysInPass // as many as the pass before has walked
	}
	if left <= 0 {
		return -1
	}
	return left
}

const (
	// firstShare is the share of a run that its first pass makes. A pass that
	// finds nothing, and so proves that nothing is left, takes a small part of the
	// time of one that writes, and each one that finds something is followed by another.
	firstShare = 0.9

	// almost is the most that is shown while a run is not at its end.
	almost = 0.999

	// slip is how far an estimate that was too low takes nothing back.
	slip = 0.05
)

// shareOf returns the share of a run that is done, from 0 to almost 1; -1 when it is
// not known. A revert is a single pass.
func shareOf(r store.Range) float64 {
	if r.Remaining < 0 || r.KeysInPass+r.Remaining == 0 {
		return -1
	}
	share := float64(r.KeysInPass) / float64(r.KeysInPass+r.Remaining)
	switch {
	case r.Mode != store.ModeTransform:
	case r.Pass <= 1:
		share *= firstShare
	default:
		left := (1 - firstShare) * math.Pow(0.5, float64(r.Pass-2)) // when the pass began
		if r.FoundInPass > 0 {
			share /= 2 // another pass follows
		}
		share = 1 - left*(1-share)
	}
	return min(share, almost)
}

// shown returns the share to show after was: it goes back only where holding on to
// it would hide that the table is much larger than it seemed.
func shown(was, is float64) float64 {
	if is < 0 || (is < was && was-is <= slip) {
		return was
	}
	return is
}

// progress is the share of the run that is done; -1 when it is not known.
func progress(t store.Transform, r store.Range) float64 {
	switch {
	case State(t.State) == StateComplete, State(t.State) == StateReverted:
		return 1
	case r.Share > 0:
		return r.Share
	case r.Remaining < 0:
		return -1
	default:
		return 0
	}
}
