package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// longestNap bounds how long a throttled attempt sleeps before it looks again
// at what operators want.
const longestNap = time.Second

// turn is one round of an attempt: everything that can interrupt it, then a
// pause if the pacer wants one, else a batch. It reports whether the attempt
// is over.
func (a *attempt) turn(stop, ctx context.Context) (ending, bool) {
	if size, end, over := a.heed(stop, ctx); over || size == 0 {
		return end, over
	}
	if rest, err := a.beginPass(ctx); err != nil {
		return a.react(stop, ctx, nil, err)
	} else if rest > 0 {
		return a.waitForWriters(stop, ctx, rest)
	}
	if end, ok := a.backToWork(stop, ctx); !ok {
		return end, true
	}
	size, p := a.room(ctx, time.Now()) // what came before may have taken a while
	if size == 0 {
		return ending{state: StateWaiting, reason: p.reason, wait: p.wait}, true
	}
	step, err := a.batch(ctx, size)
	if err != nil {
		return a.react(stop, ctx, step, err)
	}
	a.retry.Reset()
	a.lockedRows = 0
	if len(step.Failed) > 0 {
		if end, over := a.tooManyBad(); over {
			return end, true
		}
	}
	if step.Last {
		return a.passEnd(ctx)
	}
	return ending{}, false
}

// heed returns how many keys a batch may have that begins now; 0 if none may yet,
// after the pause that the pacer wants. It reports whether the attempt is over.
func (a *attempt) heed(stop, ctx context.Context) (size int, end ending, over bool) {
	if end, over := a.interrupted(stop, ctx); over {
		return 0, end, true
	}
	end, over, err := a.listen(ctx)
	if err != nil {
		end, over = a.react(stop, ctx, nil, err)
	}
	if err != nil || over {
		return 0, end, over
	}
	if a.opened != a.rec.Range.Mode { // an operator has asked for something else
		if err := a.open(ctx); err != nil {
			return 0, a.opening(ctx, err), true
		}
	}
	if end, over := a.heedPool(ctx); over {
		return 0, end, true
	}
	size, p := a.room(ctx, time.Now())
	if size == 0 {
		return 0, ending{state: StateWaiting, reason: p.reason, wait: p.wait}, true
	}
	rest := a.rest(ctx)
	if rest <= 0 {
		return size, ending{}, false
	}
	a.rec.Range.AdvancedMS = a.rec.Now() // it is at rest, not stuck
	a.show()
	if err := a.giveSign(ctx); err != nil {
		end, over = a.react(stop, ctx, nil, err)
		return 0, end, over
	}
	a.nap(stop, ctx, min(rest, longestNap))
	return 0, ending{}, false
}

// listenEvery is how often it is looked what operators want while batches are
// shorter than that. It is nothing to a human, and saves fast batches a query.
const listenEvery = 50 * time.Millisecond

// listen looks what operators want, and follows it: after every pause, whenever
// this process knows of something, and every few batches.
func (a *attempt) listen(ctx context.Context) (ending, bool, error) {
	select {
	case <-a.e.wakes:
		a.looked = time.Time{}
	default:
	}
	if time.Since(a.looked) < listenEvery {
		return ending{}, false, nil
	}
	in, err := a.intent(ctx)
	if err != nil {
		return ending{}, false, err
	}
	a.looked = time.Now()
	end, over := a.obey(ctx, in)
	return end, over, nil
}

// intent reads what operators want. A server that never answers must not keep the
// attempt for ever.
func (a *attempt) intent(ctx context.Context) (store.Intent, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, errSilent)
	defer cancel()
	in, err := a.s.store.Intent(ctx, a.e.name)
	return in, withCause(ctx, err)
}

// errSilent is the cause with which a small statement ends that has no answer.
var errSilent = &safeError{class: "unavailable", text: "the app's database does not answer"}

// interrupted reports what ends an attempt without anybody's fault.
func (a *attempt) interrupted(stop, ctx context.Context) (ending, bool) {
	switch {
	case ctx.Err() != nil:
		return a.lost(ctx, context.Cause(ctx)), true
	case lease.Trusted(ctx) != nil: // the process may have slept, and its timers with it
		return a.lost(ctx, lease.ErrLost), true
	case stop.Err() != nil:
		return a.stopped(), true
	default:
		return ending{}, false
	}
}

func (a *attempt) stopped() ending {
	return ending{state: StateWaiting, reason: Reason{
		Code: ReasonStopped, Text: fmt.Sprintf("its instance %s shut down; the next one goes on", a.s.cfg.Instance),
	}}
}

// rest returns how long the next batch has to wait.
func (a *attempt) rest(ctx context.Context) time.Duration {
	a.feelHealth()
	if later := time.Until(a.notBefore); later > 0 {
		return later
	}
	nap := a.pacer.Wait()
	if nap.For > 0 {
		a.throttled(ctx, nap)
	}
	return nap.For
}

// throttled shows why the attempt waits.
func (a *attempt) throttled(ctx context.Context, nap throttle.Pause) {
	r := &a.rec.Range
	r.LimitedCode, r.LimitedBy = nap.Limit.String(), limited(nap.Limit, nap.Reason)
	a.rec.Range.AdvancedMS = a.rec.Now() // it is at rest, not stuck
	a.show()
	why := Reason{Code: ReasonThrottle, Text: r.LimitedBy, Until: time.Now().Add(nap.For)}
	if nap.Limit == throttle.Health {
		why.Code = ReasonHealth
	}
	if a.halted {
		why.Until = time.Time{} // until the signal says otherwise
	}
	a.s.watch.waiting(ctx, WaitInfo{Transform: a.e.name, For: min(nap.For, longestNap), Reason: why})
}

// giveSign writes the checkpoint again when a long pause would make the holder
// seem gone: to status readers, and to instances whose lease is local.
func (a *attempt) giveSign(ctx context.Context) error {
	if time.Since(a.beat) < a.s.cfg.LeaseTTL/3 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, errSilent)
	defer cancel()
	if err := a.settle(ctx); err != nil {
		return err
	}
	r := a.rec.Range
	if err := a.fence.Tx(ctx, &r, nil); err != nil {
		a.unsure = true
		return withCause(ctx, err)
	}
	a.rec.Range = r
	a.beat = time.Now()
	return nil
}

// nap sleeps until d is over or anything happens that the next turn must see.
func (a *attempt) nap(stop, ctx context.Context, d time.Duration) {
	a.looked = time.Time{}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-stop.Done():
	case <-ctx.Done():
	case <-a.e.wakes:
	case <-timer.C:
	}
}
