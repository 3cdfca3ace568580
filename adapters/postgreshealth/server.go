package postgreshealth

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Server makes the signals of one PostgreSQL server. It is safe for concurrent use.
type Server struct {
	db   *sql.DB
	turn chan struct{} // holds a token while one of the signals is read
}

// New returns the signals of the server behind db, for a *bun.DB its field DB. It
// does no I/O.
func New(db *sql.DB) *Server { return &Server{db: db, turn: make(chan struct{}, 1)} }

// ask calls a function that queries the server, when it is its turn. What these
// queries fail with quotes no rows, for they read none.
func (s *Server) ask(ctx context.Context, query func(ctx context.Context) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return explained(ctx, query(ctx))
}

func explained(ctx context.Context, err error) error {
	var known *throttle.UnreadableError
	switch state := (interface{ SQLState() string })(nil); {
	case err == nil, errors.As(err, &known), ctx.Err() != nil:
		return err
	case errors.As(err, &state) && state.SQLState() == "42501":
		return &throttle.UnreadableError{Text: "the database user may not see it: GRANT pg_monitor TO it", Err: err}
	default:
		return &throttle.UnreadableError{Text: err.Error(), Err: err}
	}
}

// unseen is the error where the server hides from a user what others do.
func unseen(view string) error {
	return &throttle.UnreadableError{Text: "the database user sees only a part of " + view + ": GRANT pg_monitor TO it"}
}

// seesAll is true for who may see what other users do.
const seesAll = "pg_has_role('pg_read_all_stats', 'USAGE')"

// signal makes a signal of a number.
func signal[T throttle.Number](name string, bounds, otherwise throttle.Bounds[T], unknown throttle.Level, read func(ctx context.Context) (T, error)) throttle.Signal {
	if bounds.IsZero() {
		bounds = otherwise
	}
	s := throttle.Func(name, bounds, read)
	s.Unknown = unknown
	return s
}
