package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// How often a batch is tried before the attempt gives way: errors that the
// database asks to retry, errors that nobody knows, and a database that is not
// there, for which the lease goes to an instance that may have a better way to it.
const (
	transientTries   = 8
	unknownTries     = 5
	unavailableTries = 3
)

// react decides what follows an error of a batch: the batch again, a smaller
// one, a row set aside, or the end of the attempt. step is nil when the range
// could not be read.
func (a *attempt) react(stop, ctx context.Context, step *Step, err error) (ending, bool) {
	if errors.Is(err, ErrFenced) || ctx.Err() != nil || failsAtOnce(err) || isSchema(err) {
		return a.lost(ctx, err), true
	}
	if errors.Is(err, store.ErrUnsettled) {
		a.unsure = true
		return ending{}, false // the next batch settles it first
	}
	if later, ok := errors.AsType[*laterError](err); ok {
		a.notBefore = time.Now().Add(later.wait)
		a.backingOff(ctx, later, later.wait)
		return ending{}, false
	}
	if errors.Is(err, ErrCritical) {
		return ending{}, false // the next turn says so
	}
	if errors.Is(err, ErrWindowClosed) {
		return a.overran(ctx, time.Now())
	}
	class := a.s.classify(err)
	size := a.pacer.Size()
	switch {
	case class == dialect.Schema:
		return a.lost(ctx, err), true
	case step != nil && step.Keys == 1 && a.alone(class) && !a.verifying():
		return a.without(ctx, step, class, err)
	case size > 1 && class == dialect.BadRow:
		a.pacer.Shrink()
		return ending{}, false // halving finds the row; no need to wait
	case size > 1 && (class == dialect.Timeout || (class == dialect.Transient && a.retry.Tries() > 0)):
		a.pacer.Shrink() // fewer rows meet fewer locks, and halving finds the one that stays locked
	}
	wait := a.retry.Next()
	if a.retry.Tries() >= triesOf(class) {
		return a.exhausted(ctx, class, err), true
	}
	a.backingOff(ctx, err, wait)
	a.nap(stop, ctx, wait)
	return ending{}, false
}

func triesOf(class dialect.Class) int {
	switch class {
	case dialect.Transient, dialect.Timeout, dialect.Interrupted:
		return transientTries
	case dialect.Unavailable:
		return unavailableTries
	default:
		return unknownTries
	}
}

func (a *attempt) backingOff(ctx context.Context, err error, wait time.Duration) {
	text := a.s.safeText(err)
	a.rec.Range.LimitedCode, a.rec.Range.LimitedBy = string(ReasonBackoff), clip("backing off after: "+text, 200)
	a.show()
	if a.retry.Tries() == 1 {
		a.log.WarnContext(ctx, "bgtransform: batch failed, trying again", "error", text)
	}
	a.s.watch.waiting(ctx, WaitInfo{Transform: a.e.name, For: wait, Reason: Reason{ReasonBackoff, text, time.Now().Add(wait)}})
}

// exhausted ends an attempt whose batch has failed too often.
func (a *attempt) exhausted(ctx context.Context, class dialect.Class, err error) ending {
	switch {
	case class == dialect.BadRow, class == dialect.Unknown && isForeign(err):
	default:
		return a.lost(ctx, err)
	}
	return a.failed(ReasonError, fmt.Sprintf("failed after %d tries: %s", a.retry.Tries(), a.s.safeText(err)), err)
}

func (a *attempt) failed(code ReasonCode, text string, err error) ending {
	return ending{state: StateFailed, reason: Reason{Code: code, Text: text}, err: err}
}

// failsAtOnce reports errors that no further try can mend.
func failsAtOnce(err error) bool {
	var crash *panicError
	return errors.As(err, &crash) || errors.Is(err, errStuck) || errors.Is(err, errNeverTurns) || isJournal(err) || isUnverifiable(err) || errors.Is(err, errAbandoned) || errors.Is(err, keyset.ErrNull)
}

func isSchema(err error) bool {
	var missing *schemaError
	var changed *dialect.RefusedError
	return errors.As(err, &missing) || errors.As(err, &changed)
}

// lost says how an attempt ends that cannot go on: after an interrupt, a lost
// lease, or an error that is not the batch's.
func (a *attempt) lost(ctx context.Context, err error) ending {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, ErrFenced):
		return ending{wait: a.s.cfg.LeaseTTL, reason: Reason{
			Code: ReasonHeld, Text: "a newer attempt of another instance has taken over; its fence refused ours",
			Until: time.Now().Add(a.s.cfg.LeaseTTL),
		}}
	case errors.Is(cause, lease.ErrLost), errors.Is(err, lease.ErrLost):
		return ending{wait: attentive, reason: Reason{Code: ReasonLeaseLost, Text: "this instance lost the lease"}}
	case errors.Is(cause, ErrStopped):
		return a.stopped()
	case errors.Is(cause, errSilent):
		// Nothing can be written down either, and who could do it waits for our lease.
		return ending{reason: Reason{Code: ReasonDatabase, Text: errSilent.text}, wait: -1, err: errSilent}
	case errors.Is(err, errNeverTurns):
		return a.failed(ReasonStillMatch, errNeverTurns.text, err)
	case failsAtOnce(err):
		if crash := (*panicError)(nil); errors.As(err, &crash) {
			a.log.ErrorContext(ctx, "bgtransform: panic in the transform's code", "type", crash.kind, "stack", crash.stack)
		}
		return a.failed(ReasonError, a.s.safeText(err), err)
	default:
		return a.waitFor(err)
	}
}

// waitFor waits, with the loop's backoff, for whatever an error says is missing.
func (a *attempt) waitFor(err error) ending {
	code := ReasonBackoff
	switch class := a.s.classify(err); {
	case isSchema(err), class == dialect.Schema:
		code = ReasonSchema
	case class == dialect.Unavailable && !isForeign(err):
		code = ReasonDatabase
	}
	return ending{state: StateWaiting, reason: Reason{Code: code, Text: a.s.safeText(err)}, wait: -1, err: err}
}

// opening ends an attempt that could not begin: usually because a migration
// has not run yet, so it is tried again.
func (a *attempt) opening(ctx context.Context, err error) ending {
	end := a.lost(ctx, err)
	if end.state != "" && checkTransition(State(a.rec.Transform.State), end.state) != nil {
		// The state machine knows waiting and failed only after running.
		if err := a.running(ctx); err != nil {
			return a.lost(ctx, err)
		}
	}
	return end
}

// minSample is how many rows a share needs to mean anything.
const minSample = 100

// tooManyBad fails a transform of which more rows fail than an operator would
// want to look at one by one: then it is the transform that is wrong.
func (a *attempt) tooManyBad() (ending, bool) {
	held, rows := a.bad, a.rec.Range.Changed+a.bad
	share := float64(held) / float64(max(rows, 1))
	cfg := a.s.cfg
	switch {
	case held > int64(cfg.MaxQuarantine):
		return a.failed(ReasonTooManyBad, fmt.Sprintf("%s %s, more than the %d that Config.MaxQuarantine allows", rowCount(held), a.setAsideWhere(), cfg.MaxQuarantine), nil), true
	case rows >= minSample && share > cfg.MaxQuarantineShare:
		return a.failed(ReasonTooManyBad, fmt.Sprintf("%.0f %% of the rows so far are %s, more than the %.0f %% that Config.MaxQuarantineShare allows", 100*share, a.setAsideWhere(), 100*cfg.MaxQuarantineShare), nil), true
	default:
		return ending{}, false
	}
}
