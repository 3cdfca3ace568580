package mysqlhealth

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Server makes the signals of one server. It is safe for concurrent use.
type Server struct {
	db   *sql.DB
	turn chan struct{} // holds a token while one of the signals is read
}

// New returns the signals of the server behind db, for a *bun.DB its field DB. It
// does no I/O.
func New(db *sql.DB) *Server { return &Server{db: db, turn: make(chan struct{}, 1)} }

// ask calls a function that queries the server, when it is its turn. needs is the
// right without which the server refuses.
func (s *Server) ask(ctx context.Context, needs string, query func(ctx context.Context) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return explained(ctx, needs, query(ctx))
}

// explained makes an error one that is shown. These queries read no rows of the
// app, so none is quoted.
func explained(ctx context.Context, needs string, err error) error {
	var known *throttle.UnreadableError
	switch {
	case err == nil, errors.As(err, &known), ctx.Err() != nil:
		return err
	case strings.HasPrefix(err.Error(), "Error 1227 "), strings.HasPrefix(err.Error(), "Error 1142 "):
		return &throttle.UnreadableError{Text: "the database user may not see it: GRANT " + needs + " TO it", Err: err}
	default:
		return &throttle.UnreadableError{Text: err.Error(), Err: err}
	}
}

// signal makes a signal of a number.
func signal[T throttle.Number](name string, bounds, otherwise throttle.Bounds[T], unknown throttle.Level, read func(ctx context.Context) (T, error)) throttle.Signal {
	if bounds.IsZero() {
		bounds = otherwise
	}
	s := throttle.Func(name, bounds, read)
	s.Unknown = unknown
	return s
}
