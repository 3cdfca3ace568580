package testserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
)

// execute runs statements on one connection, and closes db.
func execute(ctx context.Context, db *sql.DB, statements ...string) error {
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// keepsDataIn returns nil if db, which it closes, answers, and its query names the
// data directory of the instance.
func keepsDataIn(ctx context.Context, db *sql.DB, query string, in *instance) (err error) {
	defer func() { _ = db.Close() }()
	var dir string
	if err := db.QueryRowContext(ctx, query).Scan(&dir); err != nil {
		return err
	}
	got, gotErr := os.Stat(dir)
	want, wantErr := os.Stat(in.dir.file(data))
	if err := errors.Join(gotErr, wantErr); err != nil {
		return err
	}
	if !os.SameFile(got, want) {
		return fmt.Errorf("another server is on %s, with its data in %s", in.port.addr(), dir)
	}
	return nil
}

// newDatabaseName returns a name that no other database has, in small letters: it
// needs no quotes.
func newDatabaseName() string { return "test_" + strings.ToLower(rand.Text()) }
