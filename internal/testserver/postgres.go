package testserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Postgres is a PostgreSQL server. Its superuser is called postgres and needs no
// password.
type Postgres struct{ *Server }

// SharedPostgres returns the server that all tests of this process share. It does
// not wait for the disk (fsync is off), which makes it fast, and may not be killed.
func SharedPostgres(t testing.TB) *Postgres {
	t.Helper()
	return &Postgres{share(t, func(s *session) *once[*instance] { return &s.postgres }, func() (*instance, error) {
		return launchPostgres(0, nil, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")
	})}
}

// StartPostgres starts a server for one test, with settings like
// "max_connections=200". What it committed survives [Server.Kill].
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	in, err := launchPostgres(0, nil, settings...)
	must(t, "start a PostgreSQL", err)
	return &Postgres{own(t, in)}
}

// StartFullPostgres is [StartPostgres] for a server whose files cannot grow beyond a
// number of bytes, in whole kilobytes: what would make one larger fails, as on a
// disk that is full. Its log of transactions needs 16 MB.
func StartFullPostgres(t testing.TB, most int64, settings ...string) *Postgres {
	t.Helper()
	in, err := launchPostgres(most, nil, settings...)
	must(t, "start a PostgreSQL", err)
	return &Postgres{own(t, in)}
}

// StartPostgresBy is [StartPostgres] for a server that goes by a clock.
func StartPostgresBy(t testing.TB, clock *Clock, settings ...string) *Postgres {
	t.Helper()
	in, err := launchPostgres(0, clock, settings...)
	must(t, "start a PostgreSQL", err)
	return &Postgres{own(t, in)}
}

// DSN returns the URL of a database, for pgx.
func (p *Postgres) DSN(database string) string { return postgresURL(p.in, database) }

// Database makes an empty database for a test and returns its [Postgres.DSN]. On
// the shared server, the test's end drops it, whoever is still connected.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	name := newDatabaseName()
	admin := func(statement string) func(context.Context) error {
		return func(ctx context.Context) error { return execute(ctx, openPostgres(p.in), statement) }
	}
	p.ask(t, "create a database", admin("CREATE DATABASE "+name))
	if p.shared { // a server of its own ends with the test, and may be down by then
		t.Cleanup(func() { p.ask(t, "drop a database", admin("DROP DATABASE "+name+" WITH (FORCE)")) })
	}
	return p.DSN(name)
}

func postgresURL(in *instance, database string) string {
	return "postgres://postgres@" + in.port.addr() + "/" + database + "?sslmode=disable"
}

// openPostgres opens the database that is there from the beginning.
func openPostgres(in *instance) *sql.DB {
	config, err := pgx.ParseConfig(postgresURL(in, "postgres"))
	if err != nil {
		panic(err) // it does not depend on anything but our own code
	}
	return stdlib.OpenDB(*config)
}

// postgresPlaces are where packages put the programs, if not into PATH: Debian,
// the PostgreSQL project's RPMs, Homebrew on both kinds of Macs.
func postgresPlaces() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
	}
}

func launchPostgres(most int64, clock *Clock, settings ...string) (*instance, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	k, err := postgresKind(as, most, clock, settings)
	if err != nil {
		return nil, err
	}
	initdb, err := find("initdb", postgresPlaces()...)
	if err != nil {
		return nil, err
	}
	dir, err := template{
		kept: func(s *session) *once[*directory] { return &s.postgresTemplate },
		make: func(d *directory) error { return makePostgres(initdb, d, as) },
	}.directory()
	if err != nil {
		return nil, err
	}
	return launch(k, dir)
}

// postgresKind says how a server with a data directory is run.
func postgresKind(as *account, most int64, clock *Clock, settings []string) (kind, error) {
	program, err := find("postgres", postgresPlaces()...)
	return kind{
		name:    "PostgreSQL",
		command: func(in *instance) []string { return clock.of(limited(most, postgresCommand(program, in, settings))) },
		answers: func(ctx context.Context, in *instance) error {
			return keepsDataIn(ctx, openPostgres(in), "SHOW data_directory", in)
		},
		stop: syscall.SIGINT,  // fast: clients are cut off
		quit: syscall.SIGQUIT, // immediate: recovers at the next start, but gives the shared memory back
		tidy: freeSharedMemory,
		as:   as,
	}, err
}

func postgresCommand(program string, in *instance, settings []string) []string {
	args := []string{program, "-D", in.dir.file(data)}
	for _, s := range append([]string{
		"listen_addresses=" + host,
		"port=" + in.port.text(),
		"unix_socket_directories=",
		"dynamic_shared_memory_type=mmap", // in the data directory, where it goes away with everything else
	}, settings...) {
		args = append(args, "-c", s)
	}
	return args
}

// makePostgres makes a data directory, with the locale that every system has if it
// lacks the better one.
func makePostgres(initdb string, d *directory, as *account) error {
	if err := errors.Join(os.Mkdir(d.file(data), 0o700), as.give(d.file(data))); err != nil {
		return err
	}
	var failed error
	for _, locale := range []string{"C.UTF-8", "C"} {
		err := run(d, as, initdb, "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale="+locale, "-D", d.file(data))
		if err == nil {
			return nil
		}
		failed = errors.Join(failed, fmt.Errorf("make a data directory: %w", err))
	}
	return failed
}
