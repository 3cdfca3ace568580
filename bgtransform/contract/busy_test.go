package contract_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// margin is what a statement of the app may take by itself on a machine that is busy
// with everything at once.
const margin = 10 * time.Second

// traffic reads, updates and inserts until the test ends it. It fails the test if a
// statement fails.
type traffic struct {
	stop    chan struct{}
	ended   chan error
	workers int
	done    []atomic.Int64 // statements, by worker
	longest []atomic.Int64 // nanoseconds that one of them took, by worker
}

// run starts the traffic of an app that writes both columns, and neither reads nor
// writes those that it is not told.
func (d *database) run(t *testing.T, columns ...string) *traffic {
	t.Helper()
	pool := connect(t, d.kind, d.dsn)
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c + " = -%[1]d" // no value twice
	}
	values := strings.Repeat(", 1000000 + %[1]d", len(columns))
	statements := []string{
		"SELECT id, title FROM tracks WHERE id = 1 + %[1]d %% 10",
		"UPDATE tracks SET " + strings.Join(set, ", ") + " WHERE id = 1 + %[1]d %% 10",
		"INSERT INTO tracks (id, " + strings.Join(columns, ", ") + ") VALUES (1000000 + %[1]d" + values + ")",
	}
	tr := &traffic{stop: make(chan struct{}), ended: make(chan error, len(statements)), workers: len(statements), done: make([]atomic.Int64, len(statements)), longest: make([]atomic.Int64, len(statements))}
	for i, s := range statements {
		go func() { tr.ended <- tr.work(t, pool, i, s) }()
	}
	return tr
}

// work is one worker. A row that two workers write at once is no matter here: each has
// its own kind of statement.
func (tr *traffic) work(t *testing.T, db *database, worker int, statement string) error {
	for n := 1; ; n++ {
		select {
		case <-tr.stop:
			return nil
		default:
		}
		began := time.Now()
		s := fmt.Sprintf(statement, n)
		if _, err := db.DB.DB.ExecContext(t.Context(), s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		tr.longest[worker].Store(max(tr.longest[worker].Load(), int64(time.Since(began))))
		tr.done[worker].Add(1)
	}
}

// goesOn waits until each worker has done two more statements: the second began
// after this was called.
func (tr *traffic) goesOn(t *testing.T) {
	t.Helper()
	var before []int64
	for i := range tr.done {
		before = append(before, tr.done[i].Load())
	}
	poll(t, "each worker has done two more statements", func() bool {
		for i := range tr.done {
			if tr.done[i].Load() < before[i]+2 {
				return len(tr.ended) > 0 // the end says why
			}
		}
		return true
	})
}

// end ends the traffic, and returns how long the longest statement took.
func (tr *traffic) end(t *testing.T) time.Duration {
	t.Helper()
	close(tr.stop)
	for range tr.workers {
		if err := <-tr.ended; err != nil {
			t.Errorf("a statement of the app failed: %v", err)
		}
	}
	longest := int64(0)
	for i := range tr.longest {
		longest = max(longest, tr.longest[i].Load())
	}
	return time.Duration(longest)
}

// used are the columns that the app writes while a change is made.
func used(name string) []string {
	switch name {
	case "DropColumn":
		return []string{"length_ms"}
	case "Relax":
		return []string{"length"}
	default:
		return []string{"length", "length_ms"}
	}
}

// A transaction that holds the table for long makes the change give way, again and
// again; the app's statements go on all the while, and none of them waits for longer
// than the lock timeout. When it ends, the change is made.
func TestItGivesWayToALongTransactionAndTheAppGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kinds := servers()
			if name == "CreateIndex" {
				kinds = []kind{mariadb} // on PostgreSQL it waits beside the app: see TestAnIndexWaitsBesideTheApp
			}
			each(t, kinds, func(t *testing.T, db *database) {
				db.tracks(t, 100)
				if name == "DropColumn" {
					db.exec(t, map[kind]string{postgres: "ALTER TABLE tracks ALTER COLUMN length DROP NOT NULL", mariadb: "ALTER TABLE tracks MODIFY length INTEGER NULL"}[db.kind])
				}
				release := db.hold(t)
				app := db.run(t, used(name)...)
				log, done := newRecord(), make(chan error, 1)
				lock := 200 * time.Millisecond
				go func() {
					done <- c.do(t.Context(), db, log.logger(), contract.LockTimeout(lock), contract.ProgressEvery(100*time.Millisecond))
				}()
				for n := range 3 {
					log.until(t, "gives way", n+1)
					app.goesOn(t)
				}
				select {
				case err := <-done:
					t.Fatalf("it returned %v while the table was held", err)
				default:
				}
				release()
				must(t, <-done)
				app.goesOn(t)
				if longest := app.end(t); longest > time.Second+margin { // MariaDB counts whole seconds
					t.Errorf("a statement of the app took %s", longest)
				}
				db.exec(t, "DELETE FROM tracks WHERE id > 1000000")
				if !c.done(t, db) {
					t.Error("it returned nil and is not done")
				}
				if db.kind == mariadb && !strings.Contains(log.String(), "Waiting for table metadata lock") {
					t.Errorf("the log does not say how it goes on:\n%s", log)
				}
				if looks := strings.Count(log.String(), "look for rows"); name == "NotNull" && looks != 1 {
					t.Errorf("it has read the table %d times to look for nulls, want once for all tries", looks)
				}
				if !strings.Contains(log.String(), "in a transaction for") {
					t.Errorf("the log does not say who holds the table:\n%s", log)
				}
			})
		})
	}
}

// Without the table the change is given up after a while, with an error that says who
// has it. What holds the table is the caller itself here: a transaction that is open
// around the call.
func TestATableThatCannotBeHadIsBusy(t *testing.T) {
	t.Parallel()
	each(t, servers(), func(t *testing.T, db *database) {
		db.tracks(t, 10)
		release := db.hold(t)
		err := contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet(), contract.LockTimeout(50*time.Millisecond), contract.Patience(100*time.Millisecond))
		if !errors.Is(err, contract.ErrBusy) {
			t.Fatalf("error %v, want ErrBusy", err)
		}
		// That of the wait for the lock, not that of a statement which the app waits behind for longer.
		if code := cause(err); db.kind == postgres && code != "55P03" {
			t.Errorf("the cause has the code %q, want 55P03, lock_not_available", code)
		}
		for _, want := range []string{"drop the column", "in a transaction for", "call again"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		release()
		must(t, contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet()))
	})
}

// An index on PostgreSQL waits for an old transaction without holding anybody up, and
// is reported to do so.
func TestAnIndexWaitsBesideTheApp(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 100)
	role := "ALTER ROLE CURRENT_USER IN DATABASE " + db.one(t, "SELECT current_database()")
	db.exec(t, role+" SET lock_timeout = '100ms'", role+" SET default_transaction_isolation = 'repeatable read'")
	db = connect(t, postgres, db.dsn)
	db.SetMaxIdleConns(10) // none is closed for having no use
	release := db.hold(t)
	app := db.run(t, "length", "length_ms")
	c := changes()["CreateIndex"]
	log, done := newRecord(), make(chan error, 1)
	go func() { done <- c.do(t.Context(), db, log.logger(), contract.ProgressEvery(50*time.Millisecond)) }()
	log.until(t, "waits for pid", 3)
	app.goesOn(t)
	release()
	must(t, <-done)
	app.end(t)
	if !strings.Contains(db.schema(t), "tracks_length_ms_idx ON public.tracks USING btree (length_ms) true") {
		t.Errorf("there is no valid index:\n%s", db.schema(t))
	}
	if strings.Contains(log.String(), "gives way") {
		t.Errorf("it did not wait for as long as it takes:\n%s", log)
	}
	for range db.Stats().OpenConnections { // all of the pool, for they are given back at the end
		conn, err := db.Conn(t.Context())
		must(t, err)
		defer func() { _ = conn.Close() }()
		var got string
		must(t, conn.Conn.QueryRowContext(t.Context(), "SHOW lock_timeout").Scan(&got))
		if got != "100ms" {
			t.Errorf("a connection of the app has a lock timeout of %s, want that of the role", got)
		}
	}
}

// cause returns the SQLSTATE that PostgreSQL gave to the error below another one.
func cause(err error) string {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return ""
	}
	return state.SQLState()
}
