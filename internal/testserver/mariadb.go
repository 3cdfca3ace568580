package testserver

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is a MariaDB server. Its user root needs no password. There is no helper
// for MySQL: its data directories are made in another way.
type MariaDB struct{ *Server }

// SharedMariaDB returns the server that all tests of this process share. It does
// not wait for the disk, which makes it fast, and may not be killed.
func SharedMariaDB(t testing.TB) *MariaDB {
	t.Helper()
	return &MariaDB{share(t, func(s *session) *once[*instance] { return &s.mariadb }, func() (*instance, error) {
		return launchMariaDB(nil, "innodb-flush-log-at-trx-commit=0", "innodb-doublewrite=0", "max-connections=300")
	})}
}

// StartMariaDB starts a server for one test, with settings like
// "max-connections=200". What it committed survives [Server.Kill].
func StartMariaDB(t testing.TB, settings ...string) *MariaDB {
	t.Helper()
	in, err := launchMariaDB(nil, settings...)
	must(t, "start a MariaDB", err)
	return &MariaDB{own(t, in)}
}

// StartMariaDBBy is [StartMariaDB] for a server that goes by a clock.
func StartMariaDBBy(t testing.TB, clock *Clock, settings ...string) *MariaDB {
	t.Helper()
	in, err := launchMariaDB(clock, settings...)
	must(t, "start a MariaDB", err)
	return &MariaDB{own(t, in)}
}

// DSN returns the data source name of a database, for go-sql-driver/mysql.
func (m *MariaDB) DSN(database string) string {
	return "root@tcp(" + m.Addr() + ")/" + database + "?parseTime=true"
}

// Database makes an empty database for a test and returns its [MariaDB.DSN]. On the
// shared server, the test's end drops it, and cuts off whoever is still connected.
func (m *MariaDB) Database(t testing.TB) string {
	t.Helper()
	name := newDatabaseName()
	m.ask(t, "create a database", func(ctx context.Context) error {
		return execute(ctx, openMariaDB(m.in), "CREATE DATABASE "+name)
	})
	if m.shared { // a server of its own ends with the test, and may be down by then
		t.Cleanup(func() {
			m.ask(t, "drop a database", func(ctx context.Context) error { return dropMariaDB(ctx, m.in, name) })
		})
	}
	return m.DSN(name)
}

// dropMariaDB drops a database. A transaction that is still open in it would make
// the drop wait, so it is ended first.
func dropMariaDB(ctx context.Context, in *instance, name string) error {
	db := openMariaDB(in)
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE db = ?", name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var kills []string
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		kills = append(kills, "KILL "+strconv.FormatInt(id, 10))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, kill := range kills {
		_, _ = db.ExecContext(ctx, kill) // it may have ended by itself
	}
	return execute(ctx, openMariaDB(in), "DROP DATABASE "+name)
}

// openMariaDB opens the server without a database. The driver is not to print
// that the server does not answer yet.
func openMariaDB(in *instance) *sql.DB {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.Logger = "root", "tcp", in.port.addr(), new(mysql.NopLogger)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		panic(err) // it does not depend on anything but our own code
	}
	return sql.OpenDB(connector)
}

// mariadbPlaces are where packages put the programs, if not into PATH.
func mariadbPlaces() []string {
	return []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/opt/mariadb*/bin", "/usr/local/opt/mariadb*/bin"}
}

func launchMariaDB(clock *Clock, settings ...string) (*instance, error) {
	program, err := find("mariadbd", mariadbPlaces()...)
	if err != nil {
		return nil, err
	}
	installer, err := find("mariadb-install-db", mariadbPlaces()...)
	if err != nil {
		return nil, err
	}
	dir, err := template{
		kept: func(s *session) *once[*directory] { return &s.mariadbTemplate },
		make: func(d *directory) error { return makeMariaDB(installer, d) },
	}.directory()
	if err != nil {
		return nil, err
	}
	return launch(kind{
		name:    "MariaDB",
		command: func(in *instance) []string { return clock.of(mariadbCommand(program, in, settings)) },
		answers: func(ctx context.Context, in *instance) error {
			return keepsDataIn(ctx, openMariaDB(in), "SELECT @@datadir", in)
		},
		stop: syscall.SIGTERM,
		quit: syscall.SIGKILL,
	}, dir)
}

// mariadbCommon are the settings of the server, and of the one that makes its data
// directory. It refuses to run as root, unless it is told to. Temporary tables stand in
// a place of its own: a server that starts removes those that it finds, also such as
// belong to another server that runs.
func mariadbCommon(d *directory) []string {
	args := []string{"--no-defaults", "--datadir=" + d.file(data), "--tmpdir=" + d.path, "--innodb-log-file-size=16M"}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return args
}

func mariadbCommand(program string, in *instance, settings []string) []string {
	args := slices.Concat([]string{program}, mariadbCommon(in.dir), []string{
		"--bind-address=" + host,
		"--port=" + in.port.text(),
		"--socket=" + in.dir.file("s"),
		"--pid-file=" + in.dir.file("pid"),
		"--skip-name-resolve",
		"--innodb-buffer-pool-size=32M",
	})
	for _, s := range settings {
		args = append(args, "--"+s)
	}
	return args
}

func makeMariaDB(installer string, d *directory) error {
	args := append(mariadbCommon(d), "--auth-root-authentication-method=normal", "--skip-test-db")
	if err := run(d, nil, installer, args...); err != nil {
		return fmt.Errorf("make a data directory: %w", err)
	}
	return nil
}
