package bgtransform

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// dryBatches is how many batches a dry run tries.
const dryBatches = 8

// dryRun makes a plan (see [Scheduler.Plan]) where a real attempt would run, and says
// what it has found. The run itself stays where it is.
func (a *attempt) dryRun(stop, ctx context.Context) ending {
	// What is over stays so: neither is it running now, nor does it wait.
	state := State(a.rec.Transform.State)
	over := state.Settled() && state != StatePaused // which an operator has ended
	if a.rec.Range.Mode != store.ModeTransform || modeWanted(a.rec) != store.ModeTransform {
		return a.dryEnd(ctx, over, "a revert is not tried beforehand; nothing was written", nil)
	}
	if err := a.openDry(ctx, over); err != nil {
		return a.dried(ctx, over, a.opening(ctx, err))
	}
	var end ending
	p := newPlanner(a.s, a.e, PlanOptions{Batches: dryBatches, Examples: a.e.settings.dryExamples}, a.dryHost(stop, &end), a.stepper, a.pacer)
	p.skip, p.also = a.skips, func(ctx context.Context, tx bun.Tx, applied Applied) error {
		return a.journal(ctx, tx, a.rec.Range, applied.Images)
	}
	plan, err := p.run(ctx)
	switch {
	case errors.Is(err, errEnded):
		return a.dried(ctx, over, end)
	case err != nil:
		return a.dried(ctx, over, a.lost(ctx, withCause(ctx, err)))
	}
	plan.log(ctx, a.log)
	return a.dryEnd(ctx, over, plan.brief(), nil)
}

// openDry opens the transform, and writes that it runs, unless it is over.
func (a *attempt) openDry(ctx context.Context, over bool) error {
	if !over {
		return a.open(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.s.cfg.BatchTimeout, ErrOverran)
	defer cancel()
	return errors.Join(a.loadSkips(ctx), a.openWalk(ctx))
}

// dried is how a dry run ends that has no plan. What would fail a transform fails no
// dry run: an operator reads of it, and need not mend anything afterwards.
func (a *attempt) dried(ctx context.Context, over bool, end ending) ending {
	if end.state == StateFailed {
		return a.dryEnd(ctx, over, "a run would fail: "+end.reason.Text, end.err)
	}
	if over && end.state != "" {
		end.state = ""
		a.withdraw(ctx)
	}
	return end
}

// dryEnd settles a dry run: it is not done again before an operator asks for
// something, or the app starts anew.
func (a *attempt) dryEnd(ctx context.Context, over bool, text string, err error) ending {
	end := ending{state: StateWaiting, reason: Reason{Code: ReasonDryRun, Text: clip("dry run: "+text, 2000)}, err: err}
	if over || checkTransition(State(a.rec.Transform.State), StateWaiting) != nil {
		end.state = ""
		a.withdraw(ctx)
	}
	return end
}

// withdraw leaves a transform of which nothing else may be written.
func (a *attempt) withdraw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	r := a.rec.Range
	if err := a.fence.Tx(ctx, &r, a.fence.Leave); err != nil {
		a.log.WarnContext(ctx, "bgtransform: cannot write that the attempt has ended", "class", a.s.d.Classify(err), "error", a.s.safeText(err))
	}
}

// errEnded ends a plan because the attempt that makes it has come to its end.
var errEnded = errors.New("bgtransform: the attempt has ended")

// dryHost lets the batches of a dry run begin when those of a run would, with the
// same limits. When the attempt is over, it says how in end.
func (a *attempt) dryHost(stop context.Context, end *ending) planHost {
	number := a.rec.Range.Batches
	over := func(how ending) error {
		*end = how
		return errEnded
	}
	return planHost{
		ready: func(ctx context.Context) (int, error) {
			for {
				size, how, ended := a.heed(stop, ctx)
				if ended {
					return 0, over(how)
				}
				if size == 0 {
					continue
				}
				err := a.settled(ctx)
				if err == nil {
					err = a.giveSign(ctx) // the batches write none
				}
				if err == nil {
					return size, nil
				}
				if how, ended := a.react(stop, ctx, nil, err); ended {
					return 0, over(how)
				}
			}
		},
		begin: func(ctx context.Context, size int) (context.Context, func(PlanBatch, error)) {
			number++
			return a.dryBatch(ctx, number, size)
		},
		tx: func(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
			r := a.rec.Range // the checkpoint is written again, and rolled back with the rest
			return a.fence.BatchTx(ctx, &r, fn)
		},
		again: func(ctx context.Context, err error) error {
			if how, ended := a.react(stop, ctx, nil, err); ended {
				return over(how)
			}
			return nil
		},
	}
}

// dryBatch is the begin of one batch of a dry run, and its end.
func (a *attempt) dryBatch(ctx context.Context, number int64, size int) (context.Context, func(PlanBatch, error)) {
	start := BatchStartInfo{RunID: a.runID(), Pass: a.rec.Range.Pass, Batch: number, Limit: size}
	watched := a.s.watch.batchStart(ctx, start)
	ctx, cancel := a.bounded(watched)
	ctx, unguard := a.e.health.guard(ctx)
	return ctx, func(b PlanBatch, err error) {
		unguard()
		cancel()
		info := BatchEndInfo{BatchStartInfo: start, BatchResult: BatchResult{
			Keys: b.Keys, Found: b.Found, Changed: b.Changed, Quarantined: b.Quarantined, Read: b.Read, Write: b.Write, DryRun: true,
		}}
		if err != nil {
			info.BatchResult, info.Err = BatchResult{}, a.s.safe(err)
		} else {
			a.retry.Reset()
			a.e.measuredAt, a.e.cramped = time.Now(), cramped{}
		}
		a.s.watch.batchEnd(watched, info)
	}
}
