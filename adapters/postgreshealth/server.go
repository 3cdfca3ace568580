package postgreshealth

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Server makes the signals of one PostgreSQL server. It is safe for concurrent use.
type Server struct {
	db   *sql.DB
	turn serverhealth.Turn
}

// New returns the signals of the server behind db, for a *bun.DB its field DB. It
// does no I/O.
func New(db *sql.DB) *Server { return &Server{db: db, turn: serverhealth.NewTurn()} }

// ask calls a function that queries the server, when it is its turn.
func (s *Server) ask(ctx context.Context, query func(ctx context.Context) error) error {
	return s.turn.Ask(ctx, refused, "pg_monitor", query)
}

// refused reports whether the server says that the user lacks a right.
func refused(err error) bool {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && state.SQLState() == "42501"
}

// unseen is the error where the server hides from a user what others do.
func unseen(view string) error {
	return &throttle.UnreadableError{Text: "the database user sees only a part of " + view + ": GRANT pg_monitor TO it"}
}

// seesAll is true for who may see what other users do.
const seesAll = "pg_has_role('pg_read_all_stats', 'USAGE')"
