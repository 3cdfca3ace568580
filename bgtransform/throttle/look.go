package throttle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// asked is a signal of a monitor.
type asked struct {
	Signal

	under chan struct{} // holds a token while a Read is under way
}

func newAsked(s Signal) *asked { return &asked{Signal: s, under: make(chan struct{}, 1)} }

// leeway is how long a Read is waited for after its context has ended.
const leeway = time.Second

// errMissed says, in words that may be shown, why a look has found nothing.
type errMissed string

func (e errMissed) Error() string { return string(e) }

const (
	errHangs  = errMissed("the look before has not returned")
	errExited = errMissed("its goroutine ended")
)

// look calls Read, contained: a panic is an error, and a Read that does not return
// is left behind, and not called again while it is under way. The error's text may
// be shown.
func (a *asked) look(ctx context.Context) (Reading, error) {
	select {
	case a.under <- struct{}{}:
	default:
		return Reading{}, errHangs
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout())
	defer cancel()
	type result struct {
		reading Reading
		err     error
	}
	done := make(chan result, 1)
	go func() { // ends when Read does
		r := result{err: errExited}
		defer func() {
			if v := recover(); v != nil {
				r.err = errMissed(fmt.Sprintf("panic of type %T", v))
			}
			<-a.under
			done <- r
		}()
		r.reading, r.err = a.Read(ctx)
	}()
	select {
	case r := <-done:
		return r.reading, a.missed(ctx, r.err)
	case <-ctx.Done():
	}
	timer := time.NewTimer(leeway)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.reading, a.missed(ctx, r.err)
	case <-timer.C:
		return Reading{}, a.late()
	}
}

// missed makes an error of Read one whose text may be shown.
func (a *asked) missed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[errMissed](err); ok {
		return own
	}
	if known, ok := errors.AsType[*UnreadableError](err); ok {
		return errMissed(oneLine(known.Text))
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return a.late()
	}
	for { // the innermost type says more than that of what wraps it
		inner := errors.Unwrap(err)
		if inner == nil {
			return errMissed(fmt.Sprintf("an error of type %T", err))
		}
		err = inner
	}
}

func (a *asked) late() error { return errMissed("no answer within " + span(a.timeout())) }
