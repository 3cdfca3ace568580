package dbfaulttest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// onlyLocks is a config under which nothing but the lock timeout ends what waits for
// a lock.
func (p place) onlyLocks(t testing.TB) bgtransform.Config {
	t.Helper()
	cfg := quick(t)
	cfg.BatchTimeout, cfg.StatementTimeout = time.Hour, time.Hour
	if p.kind == mariadb {
		cfg.LockTimeout = time.Second // it counts in whole seconds
	}
	return cfg
}

// untilOneWaits waits until a session of the database waits for a lock.
func (p place) untilOneWaits(t testing.TB, db *bun.DB) {
	t.Helper()
	query := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	if p.kind == mariadb {
		query = "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state LIKE 'Waiting for table metadata%'"
	}
	untilEvery(t, 20*time.Millisecond, "somebody who waits for a lock", func() bool {
		return number(t, db, query) > 0 || p.kind == mariadb && innodbWaiting(t, db) != 0
	})
}

// Somebody has the whole table to itself, before it is read or after: no batch
// waits for that for longer than its lock timeout, the status says what it waits for, and
// the run goes on when the table is free.
func TestI6TableLockedByOneAlone(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		for _, when := range []string{"before the read", "before the write"} {
			t.Run(when, func(t *testing.T) {
				t.Parallel()
				p := shared(t, p.kind)
				const rows = 300
				db := p.open(t)
				p.seed(t, db, rows)
				lock := p.tableLock(t, "ACCESS EXCLUSIVE", "WRITE")
				cfg := p.onlyLocks(t)
				transform := inGo()
				if when == "before the read" {
					cfg.Observer = &watcher{begin: func(bgtransform.BatchStartInfo) { lock.take() }}
				} else {
					transform.Each, transform.Batch = nil, batchOf(transform.Each, lock.take)
				}
				in := start(t, db, cfg, transform)
				st := in.untilWhy(bgtransform.ReasonBackoff, "lock")
				if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
					t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
				}
				lock.release()
				st = in.untilState(bgtransform.StateComplete)
				p.wantOnce(t, db, rows, st.Rows)
			})
		}
	})
}

// A migration of the app's waits for a long report to end, and everybody who comes
// later waits for the migration. So does the run, and says so; it is no obstacle to
// the migration, and goes on after it.
func TestI6MigrationThatWaits(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 300
		db, app := p.open(t), p.open(t)
		p.seed(t, db, rows)
		var migrating sync.Once
		migrated := make(chan error, 1)
		release := locked(t, app, "SELECT count(*) FROM items") // the report
		transform, calls := inGo(), 0
		transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
			if calls++; calls < 2 {
				return
			}
			migrating.Do(func() {
				go func() { // ends when the report has
					_, err := app.ExecContext(context.Background(), "ALTER TABLE items ADD COLUMN extra bigint")
					migrated <- err
				}()
				p.untilOneWaits(t, db)
			})
		})
		in := start(t, p.open(t), p.onlyLocks(t), transform)
		st := in.untilWhy(bgtransform.ReasonBackoff, "lock")
		if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
			t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
		}
		select {
		case err := <-migrated:
			t.Errorf("the migration did not wait: %v", err)
		default:
		}
		release()
		must(t, <-migrated)
		st = in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, rows, st.Rows)
	})
}

// A batch that waits for one row holds others. The app waits for those no longer than the
// batch does.
func TestI6AppIsNotQueuedBehindABatch(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 100
		db, app := p.open(t), p.open(t)
		p.seed(t, db, rows)
		release := locked(t, app, fmt.Sprintf("SELECT id FROM items WHERE id = %d FOR UPDATE", rows*gap)) // the last of the batch
		in := start(t, db, p.onlyLocks(t), inSQL())
		p.untilOneWaits(t, app)
		patient := map[string]string{postgres: "SET lock_timeout = '60s'", mariadb: "SET innodb_lock_wait_timeout = 60"}[p.kind]
		conn, err := app.Conn(context.Background())
		must(t, err)
		defer func() { _ = conn.Close() }()
		exec(t, conn, patient, fmt.Sprintf("UPDATE items SET ver = ver + 1 WHERE id = %d", gap)) // the first
		release()
		st := in.untilState(bgtransform.StateComplete)
		p.wantRight(t, db, st.Rows)
	})
}
