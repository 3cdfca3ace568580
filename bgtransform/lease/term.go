package lease

import (
	"context"
	"errors"
	"fmt"
)

// errEnded is what Trusted returns after Do has returned.
var errEnded = fmt.Errorf("%w: the function that held it has returned", ErrLost)

// term is one holding of a lease, from Acquire to Release.
type term struct {
	locker Locker
	claim  Claim
	pace   pace
	events func(Event)

	clock    func() moment
	sent     moment        // just before the last successful request
	trust    *trust        // set by keep
	renewals chan struct{} // closed when the renewal loop has ended
	gone     bool          // the Locker said ErrLost; read once renewals is closed
}

// acquire returns nil if the lease is held and trusted. If the outcome is unknown,
// it frees what may have been taken.
func (t *term) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return t.wrap("acquire", context.Cause(ctx))
	}
	detached := context.WithoutCancel(ctx)
	t.sent = t.clock()
	err := call{
		do:       func(ctx context.Context) error { return t.locker.Acquire(ctx, t.claim) },
		timeout:  t.pace.acquireTimeout(),
		patience: t.pace.patience(),
		late:     func(err error) { t.giveBack(detached, err) },
	}.run(ctx)
	if err == nil {
		err = t.usable(ctx)
	}
	if err == nil || errors.Is(err, ErrHeld) {
		return err
	}
	if !errors.Is(err, errAbandoned) { // else late does it, once the call is back
		t.giveBack(detached, err)
	}
	if ctx.Err() != nil {
		return t.wrap("acquire", context.Cause(ctx))
	}
	return t.wrap("acquire", err)
}

// usable returns why a lease that was just acquired is of no use, or nil.
func (t *term) usable(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if t.clock().reaches(t.trustedUntil()) {
		return fmt.Errorf("%w: acquired, but the answer came too late", ErrLost)
	}
	return nil
}

// giveBack releases a lease that an acquire may have won. A failure is not
// reported: the acquire's is, and the lease's TTL does the rest.
func (t *term) giveBack(ctx context.Context, acquired error) {
	if !errors.Is(acquired, ErrHeld) {
		_ = t.requestRelease(ctx)
	}
}

// keep starts the loss timer and the renewals, and returns the context for fn.
func (t *term) keep(ctx context.Context) context.Context {
	renewing, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	ctx, cancel := context.WithCancelCause(ctx)
	t.trust = newTrust(t.claim.Name, t.clock, t.trustedUntil(), func(cause error) {
		cancel(cause)
		stop(cause)
	})
	t.emit(Acquired, nil)
	t.renewals = make(chan struct{})
	go t.renewLoop(renewing)
	return context.WithValue(ctx, trustKey{}, t.trust)
}

// end stops the renewals and frees the lease, unless it is known to be gone.
func (t *term) end(ctx context.Context) {
	_ = t.trust.end(errEnded)
	<-t.renewals
	if t.gone {
		return
	}
	err := t.requestRelease(ctx)
	if err == nil || errors.Is(err, ErrLost) {
		t.emit(Released, err)
		return
	}
	t.emit(ReleaseFailed, t.wrap("release", err))
}

func (t *term) requestRelease(ctx context.Context) error {
	return call{
		do:      func(ctx context.Context) error { return t.locker.Release(ctx, t.claim) },
		timeout: t.pace.releaseTimeout(),
	}.run(ctx)
}

// trustedUntil is the trust deadline that follows from the last successful request.
func (t *term) trustedUntil() moment { return t.sent.add(t.pace.trust()) }

func (t *term) emit(kind EventKind, err error) {
	if t.events == nil {
		return
	}
	t.events(Event{
		Kind:         kind,
		Name:         t.claim.Name,
		Holder:       t.claim.Holder,
		Err:          err,
		TrustedUntil: t.trust.deadline(),
	})
}

func (t *term) wrap(operation string, err error) error {
	return fmt.Errorf("%s lease %q: %w", operation, t.claim.Name, err)
}
