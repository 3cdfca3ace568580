// Package healthtest has what the tests of the adapters with health signals share.
package healthtest

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Open opens a database, which closes with the test.
func Open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Exec runs statements.
func Exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Until waits for a condition for as long as a busy machine may take.
func Until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("never came true: %s", what)
		}
	}
}

// Becomes waits until a signal asks for a level, and returns why.
func Becomes(t *testing.T, s throttle.Signal, level throttle.Level) string {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	var got throttle.Reading
	var err error
	Until(t, s.Name+" is "+level.String(), func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		got, err = s.Read(ctx)
		return err == nil && got.Level == level
	})
	return got.Reason
}

// Fails reads a signal and returns the text that is shown of its error.
func Fails(t *testing.T, s throttle.Signal) string {
	t.Helper()
	r, err := s.Read(context.Background())
	known, ok := errors.AsType[*throttle.UnreadableError](err)
	if !ok {
		t.Fatalf("%s: read %+v, error %v; want one that may be shown", s.Name, r, err)
	}
	return known.Text
}

// WantText fails unless a text tells something.
func WantText(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%q does not tell %q", got, want)
	}
}

// InBackground runs a statement that takes long, and returns how to wait for it.
func InBackground(db *sql.DB, statements ...string) (wait func()) {
	done := make(chan struct{})
	go func() { // ends with the statement, which the test ends
		defer close(done)
		conn, err := db.Conn(context.Background())
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for _, statement := range statements {
			_, _ = conn.ExecContext(context.Background(), statement) // it is to be cut off
		}
	}()
	return func() { <-done }
}
