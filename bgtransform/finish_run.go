package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// finishTTL is how long others wait for a finisher that has given no sign.
const finishTTL = 10 * time.Second

// finisher finishes one transform in the foreground.
type finisher struct {
	s      *Scheduler
	e      *entry // its own
	o      FinishOptions
	beside []*entry  // all of this process, its own included
	logged bool      // that somebody asked for it
	asked  time.Time // when it was last granted
}

// run makes one round after the other until the transform is complete, or it is known
// what keeps it from that.
func (f *finisher) run(ctx context.Context) error {
	work, release := f.s.graceful(ctx)
	defer release()
	defer f.end(ctx)
	retry := backoff.Backoff{Min: 100 * time.Millisecond, Max: 5 * time.Second}
	for {
		if ctx.Err() != nil {
			return &UnfinishedError{f.e.name, f.e.look().here, context.Cause(ctx)}
		}
		rec, err := f.s.record(ctx, f.e)
		next := pause{reason: Reason{}, wait: time.Second}
		switch {
		case err != nil:
			next.wait = retry.Next()
			next.reason = f.s.databaseReason(err, next.wait)
		case f.complete(rec):
			return nil
		default:
			if reason, hopeless := f.hopeless(rec); hopeless {
				return &UnfinishedError{Transform: f.e.name, Reason: reason}
			}
			next = f.round(ctx, work, &retry)
		}
		if needsHuman(next.reason.Code) {
			return &UnfinishedError{Transform: f.e.name, Reason: next.reason}
		}
		f.e.update(func(v *view) {
			if ctx.Err() == nil || v.here.IsZero() { // else the end of ctx is the only thing that went wrong
				v.here = next.reason
			}
		})
		f.s.rest(ctx, f.e, min(max(next.wait, 10*time.Millisecond), time.Second))
	}
}

// complete reports whether the transform is complete, by the definition of this version
// of the app, and nobody wants otherwise.
func (f *finisher) complete(rec store.Record) bool {
	return State(rec.Transform.State) == StateComplete && !f.e.redefines(rec) && !f.s.reopens(f.e, rec) &&
		rec.Intent.Restarts <= rec.Range.Restarts && rec.Intent.Retries <= rec.Range.Retries
}

// hopeless reports why only a human can move the transform on.
func (f *finisher) hopeless(rec store.Record) (Reason, bool) {
	if reason, settled := f.s.wanted(f.e, rec); settled {
		if reason.IsZero() {
			reason.Text = "it is " + rec.Transform.State
		}
		return reason, true
	}
	if modeWanted(rec) == store.ModeRevert {
		return Reason{Code: ReasonAsked, Text: "it is being reverted; restart it first"}, true
	}
	if in := rec.Intent; in.Desired != store.Run {
		return reasonOf(rec), true
	}
	if v := f.s.pool.may(f.e, rec); v.Conflict {
		return Reason{Code: ReasonFleet, Text: v.Why}, true
	}
	return Reason{}, false
}

// needsHuman reports whether what a round came to lasts until somebody does something
// about it.
func needsHuman(code ReasonCode) bool {
	switch code {
	case ReasonDisabled, ReasonSettings, ReasonSuperseded, ReasonDependency, ReasonSchema, ReasonDryRun:
		return true
	default:
		return false
	}
}

// round makes an attempt, unless another process finishes the transform: then it is
// followed. It asks for the hand-over until the attempt has ended.
func (f *finisher) round(ctx, work context.Context, retry *backoff.Backoff) pause {
	if time.Since(f.asked) > finishTTL {
		f.e.finisher = f.s.newFinisher() // who was silent for so long is taken to be gone for good
	}
	granted, err := f.ask(ctx)
	if err != nil {
		wait := retry.Next()
		return pause{f.s.databaseReason(err, wait), wait}
	}
	if !granted {
		return pause{Reason{Code: ReasonFinish, Text: "another process finishes it already"}, time.Second}
	}
	asking, stop := context.WithCancel(work)
	over := make(chan struct{})
	go func() { // ends with stop
		defer close(over)
		for backoff.Sleep(asking, finishTTL/4) == nil {
			_, _ = f.ask(asking) // a failure is met by the attempt too; a lost grant ends it
		}
	}()
	defer func() { stop(); <-over }()
	return f.s.contained(ctx, work, f.e, retry)
}

// ask asks for the transform, or goes on asking.
func (f *finisher) ask(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	by := f.o.By
	if f.logged {
		by = By{}
	}
	granted, err := f.s.store.AskFinish(ctx, f.e.name, f.e.finisher, by.Who, by.Why, finishTTL)
	if granted {
		f.asked = time.Now()
	}
	if granted && !f.logged {
		f.logged = true
		f.s.wake(f.e.name) // this process may hold it itself
	}
	return granted, err
}

// end lets others go on at once.
func (f *finisher) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := f.s.store.EndFinish(ctx, f.e.name, f.e.finisher); err != nil {
		f.s.cfg.Logger.DebugContext(ctx, "bgtransform: cannot write that nobody finishes it any more", "transform", f.e.name, "class", f.s.d.Classify(err))
	}
	f.s.wake(f.e.name)
}

// tell calls the user's function with the status, of whoever is at work.
func (f *finisher) tell(ctx context.Context) {
	if f.o.Progress == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	all, err := f.s.control.Status(ctx, f.e.name)
	if err != nil {
		all = []Status{{Transform: f.e.name, State: StatePending, Remaining: -1, Progress: -1}}
		if rec := f.e.look().record; rec != nil {
			all[0] = statusOf(*rec, false)
		}
	}
	all[0].Mine = f.e.look().holding
	if here := f.e.look().here; !all[0].Mine && !here.IsZero() {
		all[0].Here = here
	}
	f.o.Progress(all[0])
}
