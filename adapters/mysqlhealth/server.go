package mysqlhealth

import (
	"context"
	"database/sql"
	"strings"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
)

// Server makes the signals of one server. It is safe for concurrent use.
type Server struct {
	db   *sql.DB
	turn serverhealth.Turn
}

// New returns the signals of the server behind db, for a *bun.DB its field DB. It
// does no I/O.
func New(db *sql.DB) *Server { return &Server{db: db, turn: serverhealth.NewTurn()} }

// ask calls a function that queries the server, when it is its turn. needs is the
// right without which the server refuses.
func (s *Server) ask(ctx context.Context, needs string, query func(ctx context.Context) error) error {
	return s.turn.Ask(ctx, refused, needs, query)
}

// refused reports whether the server says that the user lacks a right.
func refused(err error) bool {
	return strings.HasPrefix(err.Error(), "Error 1227 ") || strings.HasPrefix(err.Error(), "Error 1142 ")
}
