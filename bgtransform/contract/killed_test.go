package contract_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// killer returns what ends a connection on the server, and waits for its end.
func (d *database) killer(t *testing.T) func(id int64) error {
	t.Helper()
	admin := connect(t, d.kind, d.dsn)
	kill, there := "KILL %d", "SELECT count(*) FROM information_schema.processlist WHERE id = %d"
	if d.kind == postgres {
		kill, there = "SELECT pg_terminate_backend(%d)", "SELECT count(*) FROM pg_stat_activity WHERE pid = %d"
	}
	return func(id int64) error {
		if _, err := admin.DB.DB.ExecContext(t.Context(), fmt.Sprintf(kill, id)); err != nil {
			return err
		}
		poll(t, "the connection is gone", func() bool { return admin.one(t, fmt.Sprintf(there, id)) == "0" })
		return nil
	}
}

// Each statement that changes the schema is cut off in turn, before it began and
// after it was done. The call fails, and the next one goes on from there.
func TestItIsKilledAtEachStatementAndCalledAgain(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, servers(), func(t *testing.T, db *database) {
				kill := db.killer(t)
				for at, fired := 1, true; fired; at++ {
					for _, after := range []bool{false, true} {
						db.tracks(t, 10)
						db.trap.set(at, after, kill)
						err := c.do(t.Context(), db, quiet())
						if fired = db.trap.hasFired(); !fired {
							must(t, err)
						}
						if fired && !after && err == nil {
							t.Errorf("statement %d was killed before it began, and the call returned nil", at)
						}
						db.trap.set(0, false, nil)
						must(t, c.do(t.Context(), db, quiet()))
						if !c.done(t, db) {
							t.Errorf("killed at statement %d (after it: %t) and called again: it is not done", at, after)
						}
						db.exec(t, "DROP TABLE tracks")
					}
				}
				if db.trap.hasFired() {
					t.Error("the last round was killed too: not all of it was tried")
				}
			})
		})
	}
}

// A build that is cut off leaves an invalid index, which the next call replaces.
func TestABuildThatIsKilledIsBuiltAnew(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 10)
	release := db.hold(t)
	c := changes()["CreateIndex"]
	done := make(chan error, 1)
	go func() { done <- c.do(t.Context(), db, quiet()) }()
	kill := db.killer(t)
	var pid string
	poll(t, "the index is being built", func() bool {
		pid = db.one(t, "SELECT max(pid) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'")
		return pid != ""
	})
	var id int64
	_, err := fmt.Sscan(pid, &id)
	must(t, err)
	must(t, kill(id))
	if err := <-done; err == nil {
		t.Error("it was killed, and returned nil")
	}
	if got := db.one(t, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"); got != "1" {
		t.Fatalf("%s invalid indexes are left, want 1: the test shows nothing", got)
	}
	release()
	must(t, c.do(t.Context(), db, quiet()))
	if !c.done(t, db) {
		t.Error("it is not done")
	}
	if got := db.one(t, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"); got != "0" {
		t.Errorf("%s invalid indexes are left", got)
	}
}

// The end of the context ends it on the server too, and nothing is left there.
func TestTheEndOfTheContextEndsItOnTheServer(t *testing.T) {
	t.Parallel()
	each(t, servers(), func(t *testing.T, db *database) {
		db.tracks(t, 10)
		before := db.schema(t)
		cause := errors.New("the deploy was called off")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer db.hold(t)()
		running := map[kind]string{
			postgres: "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE %INDEX%' AND state = 'active' AND pid <> pg_backend_pid()",
			mariadb:  "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND info LIKE 'ALTER %'",
		}[db.kind]
		log, done := newRecord(), make(chan error, 1)
		go func() { done <- changes()["CreateIndex"].do(ctx, db, log.logger(), contract.LockTimeout(time.Hour)) }()
		poll(t, "it runs on the server", func() bool { return db.one(t, running) == "1" })
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("error %v, want the context's cause", err)
		}
		poll(t, "it has ended on the server", func() bool { return db.one(t, running) == "0" })
		if db.kind == mariadb {
			if after := db.schema(t); after != before {
				t.Errorf("the schema was\n%s\nand is\n%s", before, after)
			}
		}
	})
}

// Two instances that come up together make the change together.
func TestTwoCallsAtOnceDoNotHurtEachOther(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, servers(), func(t *testing.T, db *database) {
				db.tracks(t, 1000)
				done := make(chan error, 3)
				for range cap(done) {
					go func() { done <- c.do(t.Context(), db, quiet(), contract.LockTimeout(100*time.Millisecond)) }()
				}
				for range cap(done) {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				if !c.done(t, db) {
					t.Error("it is not done")
				}
			})
		})
	}
}

// The end of the context also ends a wait for the table, and one for the next try.
func TestTheEndOfTheContextEndsTheWait(t *testing.T) {
	t.Parallel()
	each(t, servers(), func(t *testing.T, db *database) {
		db.tracks(t, 10)
		defer db.hold(t)()
		cause := errors.New("the deploy was called off")
		ctx, cancel := context.WithCancelCause(t.Context())
		var kills atomic.Int64
		db.trap.sees = func(s string) {
			if strings.HasPrefix(s, "KILL ") {
				kills.Add(1)
			}
		}
		log, done := newRecord(), make(chan error, 1)
		go func() {
			done <- contract.DropColumn(ctx, db.DB, "tracks", "length", log.logger(), contract.LockTimeout(time.Hour/2))
		}()
		waits := map[kind]string{
			postgres: "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass('tracks')",
			mariadb:  "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state = 'Waiting for table metadata lock' AND info LIKE 'ALTER %'",
		}[db.kind]
		poll(t, "it waits for the table", func() bool { return db.one(t, waits) == "1" })
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("error %v, want the context's cause", err)
		}
		poll(t, "nobody waits any longer", func() bool { return db.one(t, waits) == "0" })
		if db.kind == mariadb && kills.Load() != 1 { // while it rebuilds a table, that server does not see that its client is gone
			t.Errorf("%d connections were killed, want that of the statement:\n%s", kills.Load(), log)
		}
		ctx, cancel = context.WithCancelCause(t.Context())
		log = newRecord()
		go func() {
			done <- contract.DropColumn(ctx, db.DB, "tracks", "length", log.logger(), contract.LockTimeout(100*time.Millisecond))
		}()
		log.until(t, "gives way", 3)
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("error %v, want the context's cause", err)
		}
		if !db.has(t, "length") {
			t.Error("the column is gone")
		}
	})
}

// An index that somebody builds by hand is not taken for one that a crash has left.
func TestABuildOfSomebodyElseIsWaitedFor(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 10)
	release := db.hold(t)
	byHand, ours, log := make(chan error, 1), make(chan error, 1), newRecord()
	go func() {
		_, err := db.DB.DB.ExecContext(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY tracks_length_ms_idx ON tracks (length_ms)")
		byHand <- err
	}()
	poll(t, "it is being built", func() bool {
		return db.one(t, "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'") == "1"
	})
	var seen []string
	second := connect(t, postgres, db.dsn)
	second.trap.sees = func(s string) { seen = append(seen, s) }
	go func() {
		ours <- changes()["CreateIndex"].do(t.Context(), second, log.logger(), contract.LockTimeout(50*time.Millisecond))
	}()
	log.until(t, "gives way", 2)
	release()
	must(t, <-byHand)
	must(t, <-ours)
	if len(seen) > 0 {
		t.Errorf("it ran %q, want nothing: the index was built by somebody else", seen)
	}
}
