package lease

import (
	"context"
	"errors"
	"time"
)

// renewLoop renews until the trust ends, which cancels ctx. The term's end waits
// for it, and can: no Locker call ever holds it up.
func (t *term) renewLoop(ctx context.Context) {
	defer close(t.renewals)
	pause := time.Until(t.sent.running.Add(t.pace.renew()))
	for sleep(ctx, pause) {
		pause = t.renew(ctx)
	}
	if cause := context.Cause(ctx); cause != errEnded { //nolint:errorlint // this very value
		t.emit(Lost, cause)
	}
}

// renew makes one renewal and returns the pause before the next.
func (t *term) renew(ctx context.Context) time.Duration {
	sent := t.clock()
	err := call{
		do:      func(ctx context.Context) error { return t.locker.Renew(ctx, t.claim) },
		timeout: t.pace.renewTimeout(),
	}.run(ctx)
	switch {
	case ctx.Err() != nil: // too late, whatever the answer
		return 0
	case err == nil:
		return t.renewed(sent)
	case errors.Is(err, ErrLost):
		t.gone = true
		_ = t.trust.end(t.wrap("renew", err))
		return 0
	default:
		err = t.wrap("renew", err)
		t.trust.note(err)
		t.emit(RenewFailed, err)
		return t.pace.retry()
	}
}

func (t *term) renewed(sent moment) time.Duration {
	if t.trust.extend(sent.add(t.pace.trust())) == nil {
		t.sent = sent
		t.emit(Renewed, nil)
	}
	return time.Until(sent.running.Add(t.pace.renew()))
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
