package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Keeper holds leases while functions run. It is a plain set of settings: fill it
// in, do not change it while in use. Safe for concurrent use; every [Keeper.Do] is
// a term of its own.
type Keeper struct {
	// Locker grants the lease. Required.
	Locker Locker

	// Holder is the id of this instance, as the others and the operators see it.
	// Required.
	Holder string

	// TTL is how long the lease outlives its holder: the time until another
	// instance takes over from one that was killed. At least [MinTTL]. Defaults to
	// [DefaultTTL].
	TTL time.Duration

	// Events, if not nil, is told what happens, one event at a time for each Do,
	// and on the keeper's goroutines: it must not block or panic. Loss is detected,
	// and the function's context cancelled, without waiting for it.
	Events func(Event)

	clock func() moment // nil means bothClocks; tests set others
}

// Validate returns an error that names the first setting that is missing or out
// of range.
func (k *Keeper) Validate() error {
	switch {
	case k.Locker == nil:
		return errors.New("lease: Keeper.Locker is nil")
	case k.Holder == "":
		return errors.New("lease: Keeper.Holder is empty")
	case k.TTL != 0 && k.TTL < MinTTL:
		return fmt.Errorf("lease: Keeper.TTL is %s, must be at least %s", k.TTL, MinTTL)
	default:
		return nil
	}
}

// Do acquires the lease called name, runs fn, releases the lease and returns what
// fn returned.
//
// If another term holds the lease, Do returns the [*HeldError] at once and fn does
// not run; nor does it when the Locker fails or ctx ends first.
//
// The context of fn is ctx, cancelled in addition with a cause that is [ErrLost]
// when the lease is lost or can no longer be trusted. fn should then return soon,
// without writing: Do waits for it, and for nothing else. The end of ctx does not
// end the lease: it is renewed until fn returns. An error of fn that is only a
// context's error is returned together with the cause.
//
// If fn panics, the lease is released while the panic passes through.
func (k *Keeper) Do(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	if err := k.Validate(); err != nil {
		return err
	}
	if name == "" {
		return errors.New("lease: the name of a lease is empty")
	}
	t := k.newTerm(name)
	if err := t.acquire(ctx); err != nil {
		return err
	}
	ctx = t.keep(ctx)
	defer t.end(context.WithoutCancel(ctx))
	return withCause(ctx, fn(ctx))
}

func (k *Keeper) newTerm(name string) *term {
	ttl := cmp.Or(k.TTL, DefaultTTL)
	clock := k.clock
	if clock == nil {
		clock = bothClocks
	}
	return &term{
		clock:  clock,
		locker: k.Locker,
		claim:  Claim{Name: name, Holder: k.Holder, Term: rand.Text(), TTL: ttl},
		pace:   pace(ttl),
		events: k.Events,
	}
}

// withCause adds to a bare context error why ctx ended, which such an error hides.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	bare := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if cause == nil || !bare || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}
