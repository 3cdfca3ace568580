// Package serverhealth has what the adapters with health signals of database
// servers share.
package serverhealth

import (
	"context"
	"errors"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Turn lets the signals of one server be read one at a time.
type Turn chan struct{} // holds a token while one of them is read

// NewTurn returns the turn of a server.
func NewTurn() Turn { return make(Turn, 1) }

// Ask calls a function that queries the server, when it is its turn. What it fails
// with is shown, for it reads no rows of the app and so quotes none; where refused says
// that the server refuses, as the right that the database user lacks.
func (t Turn) Ask(ctx context.Context, refused func(error) bool, right string, query func(ctx context.Context) error) error {
	select {
	case t <- struct{}{}:
		defer func() { <-t }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := query(ctx)
	var known *throttle.UnreadableError
	switch {
	case err == nil, errors.As(err, &known), ctx.Err() != nil:
		return err
	case refused(err):
		return &throttle.UnreadableError{Text: "the database user may not see it: GRANT " + right + " TO it", Err: err}
	default:
		return &throttle.UnreadableError{Text: err.Error(), Err: err}
	}
}

// Number makes a signal of a number that a server tells. Bounds that are zero give
// way to defaults; unknown is what it asks for while it cannot be read.
func Number[T throttle.Number](name string, bounds, defaults throttle.Bounds[T], unknown throttle.Level, read func(ctx context.Context) (T, error)) throttle.Signal {
	if bounds.IsZero() {
		bounds = defaults
	}
	s := throttle.Func(name, bounds, read)
	s.Unknown = unknown
	return s
}
