package leasetest

import (
	"context"
	"errors"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

func contextTests() []conformanceTest {
	return []conformanceTest{
		{"acquire with a context that has ended takes nothing", func(f *fixture) {
			err := f.first.Acquire(ended(f), f.claim("a", long))
			f.mustBeContextError("Acquire", err)
			f.hold(f.second, "b", long)
		}},
		{"renew with a context that has ended extends nothing", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			c.TTL = 2 * long
			f.mustBeContextError("Renew", f.first.Renew(ended(f), c))
			if held := f.mustBeHeld(f.second, f.claim("b", long)); held.Remaining > long {
				f.Errorf("%s remain of a TTL of %s that was not renewed", held.Remaining, long)
			}
		}},
		{"release with a context that has ended frees nothing", func(f *fixture) {
			c := f.hold(f.first, "a", long)
			f.mustBeContextError("Release", f.first.Release(ended(f), c))
			f.mustBeHeld(f.second, f.claim("b", long))
			f.mustRelease(f.first, c)
		}},
	}
}

func ended(f *fixture) context.Context {
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	return ctx
}

// mustBeContextError checks that a method did not claim to know the outcome.
func (f *fixture) mustBeContextError(method string, err error) {
	f.Helper()
	if err == nil || errors.Is(err, lease.ErrHeld) || errors.Is(err, lease.ErrLost) {
		f.Fatalf("%s with a context that has ended = %v, want another error", method, err)
	}
}
