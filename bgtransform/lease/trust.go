package lease

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// trustKey finds the trust of the innermost Do in a context.
type trustKey struct{}

// Trusted returns nil while the lease of the [Keeper.Do] that made ctx may be
// relied on, and otherwise an error that is [ErrLost].
//
// It makes no request: it compares the clocks, monotonic and wall, with the trust
// deadline, so that a process that slept through the deadline knows at once. If
// the wall clock is set forward past the deadline, the lease counts as lost too:
// nothing in the process can tell that from sleep.
//
// Trusted works on contexts derived from Do's, also by [context.WithoutCancel]. In
// a context without a lease, and after Do has returned, nothing is trusted.
func Trusted(ctx context.Context) error {
	t, ok := ctx.Value(trustKey{}).(*trust)
	if !ok {
		return fmt.Errorf("%w: the context carries no lease", ErrLost)
	}
	return t.check()
}

// trust is the belief that one term holds its lease. It ends once: by a loss, by
// the deadline, or with the keeper's Do.
type trust struct {
	name   string
	clock  func() moment
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	until   moment      // the trust deadline
	timer   *time.Timer // fires at until or earlier, whatever the Locker does
	failure error       // of the last renewal, if it failed
	ended   error       // nil while trusted
}

// newTrust arms the loss timer. When the trust ends, cancel is called once with
// the reason.
func newTrust(name string, clock func() moment, until moment, cancel context.CancelCauseFunc) *trust {
	t := &trust{name: name, clock: clock, cancel: cancel, until: until}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(time.Until(until.running), t.expire)
	return t
}

// expire runs when the loss timer fires. If the deadline has moved since the timer
// was set, it is set for the rest; so a renewal need not touch it.
func (t *trust) expire() {
	if t.check() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended == nil {
		t.timer.Reset(time.Until(t.until.running))
	}
}

// check ends the trust if a clock has passed the deadline, and returns why the
// trust has ended, or nil.
func (t *trust) check() error {
	t.mu.Lock()
	ended, late, failure := t.ended, t.clock().reaches(t.until), t.failure
	t.mu.Unlock()
	switch {
	case ended != nil:
		return ended
	case late && failure != nil:
		return t.end(fmt.Errorf("%w: %q could not be renewed in time: %w", ErrLost, t.name, failure))
	case late:
		return t.end(fmt.Errorf("%w: the time to renew %q has passed", ErrLost, t.name))
	default:
		return nil
	}
}

// extend moves the deadline after a successful renewal, unless the trust has
// ended: what was once lost stays lost.
func (t *trust) extend(until moment) error {
	if err := t.check(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended == nil {
		t.until, t.failure = until, nil
	}
	return t.ended
}

// note remembers a failed renewal as the likely reason of a later loss.
func (t *trust) note(failure error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure = failure
}

// end ends the trust for the given reason and returns the reason that counts:
// the first.
func (t *trust) end(reason error) error {
	t.mu.Lock()
	if t.ended != nil {
		defer t.mu.Unlock()
		return t.ended
	}
	t.ended = reason
	t.timer.Stop()
	t.mu.Unlock()
	t.cancel(reason)
	return reason
}

// deadline returns until when the lease is relied on: zero once the trust ended.
func (t *trust) deadline() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended != nil {
		return time.Time{}
	}
	return t.until.running
}
