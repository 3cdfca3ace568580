package bgtransform

import (
	"context"
	"errors"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// passEnd decides what follows after the last key: complete, when the pass has
// found nothing, could miss nothing (see beginPass) and nothing is in quarantine;
// otherwise another pass, or the wait for an operator.
func (a *attempt) passEnd(ctx context.Context) (ending, bool) {
	if a.reverting() {
		return a.revertEnd(ctx), true
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.s.cfg.BatchTimeout, ErrOverran)
	defer cancel()
	if a.verifying() {
		return a.verified(ctx)
	}
	open, err := a.recheck(ctx)
	if err != nil {
		return a.passFailed(ctx, err)
	}
	if a.rec.Range.FoundInPass > 0 {
		return a.nextPass(ctx, store.BeganUnclear)
	}
	if open == 0 && a.rec.Range.Began != store.BeganClear {
		return a.nextPass(ctx, store.BeganDue)
	}
	if open == 0 {
		return ending{state: StateComplete}, true
	}
	r, t := a.rec.Range, a.rec.Transform
	r.AtEnd = true
	if err := a.write(ctx, r, &t, activeIn(r.Mode), nil); err != nil {
		return a.passFailed(ctx, err)
	}
	a.rec.Held = int64(open)
	return ending{state: StateWaiting, reason: Reason{
		Code: ReasonQuarantine,
		Text: fmt.Sprintf("everything else is done; completion waits for %s in quarantine, to be fixed and retried, or accepted", rowCount(int64(open))),
	}}, true
}

// passFailed ends the attempt after an error at the end of a pass, unless the
// checkpoints before it were lost: then the pass has not come to its end.
func (a *attempt) passFailed(ctx context.Context, err error) (ending, bool) {
	if errors.Is(err, store.ErrUnsettled) {
		a.unsure = true
		return ending{}, false
	}
	return a.lost(ctx, err), true
}

func (a *attempt) nextPass(ctx context.Context, began string) (ending, bool) {
	r, t := a.rec.Range, a.rec.Transform
	newPass(&r)
	r.Began = began
	if err := a.write(ctx, r, &t, activeIn(r.Mode), nil); err != nil {
		return a.passFailed(ctx, err)
	}
	a.log.InfoContext(ctx, "bgtransform: next pass", "pass", r.Pass)
	a.show()
	end, over := a.stillLocked()
	a.lockedErr, a.changedAt = nil, r.Changed
	return end, over
}

func rowCount(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// without returns the elements of all that are not in some.
func without(all, some []string) []string {
	in := make(map[string]bool, len(some))
	for _, s := range some {
		in[s] = true
	}
	var out []string
	for _, s := range all {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}
