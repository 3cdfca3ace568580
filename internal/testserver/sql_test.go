package testserver_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// sqlServer is what PostgreSQL and MariaDB have in common.
type sqlServer interface {
	Addr() string
	DSN(database string) string
	Database(t testing.TB) string
	Kill()
	Stop()
	Start()
	Freeze()
	Thaw()
	CPUTime() time.Duration
}

// sqlKind is a kind of SQL server, by the name of its driver.
type sqlKind struct {
	driver string
	start  func(testing.TB) sqlServer
	shared func(testing.TB) sqlServer
}

func sqlKinds() []sqlKind {
	return []sqlKind{
		{
			"pgx",
			func(t testing.TB) sqlServer { return testserver.StartPostgres(t, "max_connections=33") },
			func(t testing.TB) sqlServer { return testserver.SharedPostgres(t) },
		},
		{
			"mysql",
			func(t testing.TB) sqlServer { return testserver.StartMariaDB(t, "max-connections=33") },
			func(t testing.TB) sqlServer { return testserver.SharedMariaDB(t) },
		},
	}
}

// eachSQL runs a test for each kind, which may not be installed.
func eachSQL(t *testing.T, test func(*testing.T, sqlKind)) {
	t.Helper()
	for _, k := range sqlKinds() {
		t.Run(k.driver, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// sum adds up what is in table n, on a new connection.
func sum(t *testing.T, driver, dsn string) (n int) {
	t.Helper()
	if err := open(t, driver, dsn).QueryRowContext(t.Context(), "SELECT SUM(i) FROM n").Scan(&n); err != nil {
		t.Fatalf("sum: %v", err)
	}
	return n
}

func TestDataSurvives(t *testing.T) {
	t.Parallel()
	eachSQL(t, func(t *testing.T, k sqlKind) {
		server := timed(t, "start", func() sqlServer { return k.start(t) })
		dsn := server.Database(t)
		db := open(t, k.driver, dsn)
		execute(t, db, "CREATE TABLE n (i int)", "INSERT INTO n VALUES (1)", "INSERT INTO n VALUES (2)")
		for what, end := range map[string]func(){"kill": server.Kill, "stop": server.Stop} {
			end()
			if err := open(t, k.driver, dsn).PingContext(t.Context()); err == nil {
				t.Errorf("the server answers after %s", what)
			}
			timed(t, "start after "+what, func() any { server.Start(); return nil })
			if got := sum(t, k.driver, dsn); got != 3 {
				t.Errorf("after %s, the sum is %d, want 3", what, got)
			}
		}
	})
}

func TestUncommittedIsLost(t *testing.T) {
	t.Parallel()
	eachSQL(t, func(t *testing.T, k sqlKind) {
		server := k.start(t)
		dsn := server.Database(t)
		db := open(t, k.driver, dsn)
		execute(t, db, "CREATE TABLE n (i int)", "INSERT INTO n VALUES (1)")
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO n VALUES (2)"); err != nil {
			t.Fatal(err)
		}
		server.Kill()
		if err := tx.Commit(); err == nil {
			t.Error("Commit = nil on a server that was killed")
		}
		server.Start()
		if got := sum(t, k.driver, dsn); got != 1 {
			t.Errorf("the sum is %d, want 1", got)
		}
	})
}

func TestFrozenDatabase(t *testing.T) {
	t.Parallel()
	eachSQL(t, func(t *testing.T, k sqlKind) {
		server := k.start(t)
		db := open(t, k.driver, server.Database(t))
		execute(t, db, "CREATE TABLE n (i int)") // on a connection whose process is to freeze too
		server.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := db.ExecContext(ctx, "INSERT INTO n VALUES (1)"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a frozen server: %v, want context.DeadlineExceeded", err)
		}
		server.Thaw()
		execute(t, db, "INSERT INTO n VALUES (1)")
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	eachSQL(t, func(t *testing.T, k sqlKind) {
		db := open(t, k.driver, k.start(t).Database(t))
		query := map[string]string{"pgx": "SHOW max_connections", "mysql": "SELECT @@max_connections"}[k.driver]
		var got string
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != "33" {
			t.Errorf("max_connections is %s, want 33", got)
		}
	})
}

// TestSharedDatabase leaves a transaction open, which must not keep the database
// from being dropped.
func TestSharedDatabase(t *testing.T) {
	t.Parallel()
	eachSQL(t, func(t *testing.T, k sqlKind) {
		var first, second string
		t.Run("used", func(t *testing.T) {
			server := k.shared(t)
			first, second = server.Database(t), server.Database(t)
			if first == second {
				t.Fatalf("two databases have the same DSN, %s", first)
			}
			db, err := sql.Open(k.driver, first)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			execute(t, db, "CREATE TABLE n (i int)")
			tx, err := db.BeginTx(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO n VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tx.Rollback() })
		})
		if err := open(t, k.driver, first).PingContext(t.Context()); err == nil {
			t.Error("the database is still there after its test")
		}
	})
}

// timed calls do and logs how long it took.
func timed[T any](t *testing.T, what string, do func() T) T {
	t.Helper()
	start := time.Now()
	defer func() { t.Logf("%s: %s", what, time.Since(start).Round(time.Millisecond)) }()
	return do()
}
