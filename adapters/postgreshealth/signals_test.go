package postgreshealth_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/adapters/postgreshealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/healthtest"
	"github.com/bgtransform/sidecar/internal/testserver"
)

const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE "

// Each signal, on a real server, goes up for what it is there for, and down again.
func TestSignals(t *testing.T) {
	t.Parallel()
	p := testserver.StartPostgres(t, "archive_mode=on", "autovacuum=off")
	dsn := p.Database(t)
	db := healthtest.Open(t, "pgx", dsn)
	pg := postgreshealth.New(db)
	healthtest.Exec(t, db,
		"CREATE TABLE tracks (id int PRIMARY KEY, pad text) WITH (fillfactor = 10)", "CREATE TABLE bgtransform_ranges (id int)",
		"INSERT INTO tracks SELECT n, repeat('x', 200) FROM generate_series(1, 1000) AS n", "DELETE FROM tracks WHERE id % 2 = 0")

	t.Run("archive backlog", func(t *testing.T) {
		s := pg.ArchiveBacklog(throttle.Bounds[int]{Stop: 1})
		healthtest.Becomes(t, s, throttle.Normal)
		for range 2 { // there is no command yet that archives
			healthtest.Exec(t, db, "INSERT INTO bgtransform_ranges VALUES (1)", "SELECT pg_switch_wal()")
		}
		healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Stop), "archive backlog 2 > 1")
		healthtest.Exec(t, db, "ALTER SYSTEM SET archive_command = 'true'", "SELECT pg_reload_conf()")
		healthtest.Becomes(t, s, throttle.Normal)
	})
	t.Run("retained WAL", func(t *testing.T) {
		s := pg.RetainedWAL(throttle.Bounds[throttle.Bytes]{Critical: 1 << 20})
		healthtest.Becomes(t, s, throttle.Normal)
		healthtest.Exec(t, db, "SELECT pg_create_physical_replication_slot('forgotten', true)", "SELECT pg_switch_wal()", "INSERT INTO bgtransform_ranges VALUES (1)")
		healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Critical), "MiB > 1 MiB")
		healthtest.Exec(t, db, "SELECT pg_drop_replication_slot('forgotten')")
		healthtest.Becomes(t, s, throttle.Normal)
	})
	t.Run("active sessions", func(t *testing.T) {
		s := pg.ActiveSessions(throttle.Bounds[int]{Slow: 1})
		healthtest.Becomes(t, s, throttle.Normal)
		one, other := healthtest.InBackground(db, "SELECT pg_sleep(600)"), healthtest.InBackground(db, "SELECT pg_sleep(600)")
		healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Slow), "active sessions 2 > 1")
		healthtest.Exec(t, db, terminate+"'SELECT pg_sleep%'")
		one()
		other()
		healthtest.Becomes(t, s, throttle.Normal)
	})
	t.Run("vacuum", func(t *testing.T) {
		s, another := pg.Vacuum("public.tracks", throttle.Normal), pg.Vacuum("bgtransform_ranges", throttle.Stop)
		healthtest.Becomes(t, s, throttle.Normal)
		wait := healthtest.InBackground(db, "SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1", "VACUUM tracks")
		healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Slow), "vacuum of public.tracks, ")
		healthtest.Becomes(t, another, throttle.Normal)
		healthtest.Exec(t, db, terminate+"'VACUUM%'")
		wait()
		healthtest.Becomes(t, s, throttle.Normal)
		healthtest.WantText(t, healthtest.Fails(t, pg.Vacuum("no.such_table", throttle.Slow)), "no.such_table does not exist")
	})
	t.Run("lock waits", func(t *testing.T) { lockWaits(t, db, pg) })
	t.Run("rights", func(t *testing.T) {
		healthtest.Exec(t, db, "CREATE ROLE app LOGIN")
		config := healthtest.Open(t, "pgx", strings.Replace(dsn, "postgres@", "app@", 1))
		poor := postgreshealth.New(config)
		signals := []throttle.Signal{
			poor.ReplicaLag(throttle.Bounds[time.Duration]{}), poor.ArchiveBacklog(throttle.Bounds[int]{}),
			poor.ActiveSessions(throttle.Bounds[int]{}), poor.Vacuum("pg_class", throttle.Slow),
		}
		for _, s := range signals {
			healthtest.WantText(t, healthtest.Fails(t, s), "GRANT pg_monitor TO it")
		}
		healthtest.Exec(t, db, "GRANT pg_monitor TO app")
		for _, s := range append(signals, poor.LockWaits(throttle.Bounds[int]{}), poor.RetainedWAL(throttle.Bounds[throttle.Bytes]{})) {
			healthtest.Becomes(t, s, throttle.Normal)
		}
	})
	t.Run("a database that is gone", func(t *testing.T) {
		s := pg.ActiveSessions(throttle.Bounds[int]{})
		p.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if r, err := s.Read(ctx); err == nil {
			t.Errorf("a frozen server was read: %+v", r)
		}
		p.Thaw()
		healthtest.Becomes(t, s, throttle.Normal)
	})
}

// Who waits for a batch counts; who waits for somebody else does not.
func lockWaits(t *testing.T, db *sql.DB, pg *postgreshealth.Server) {
	s := pg.LockWaits(throttle.Bounds[int]{Stop: 1})
	const update = "UPDATE tracks SET pad = '' WHERE id = 1"
	for _, batch := range []bool{true, false} {
		healthtest.Becomes(t, s, throttle.Normal)
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		statements := []string{update}
		if batch { // its first statement is that of the fence
			statements = []string{"UPDATE bgtransform_ranges SET id = 2", update}
		}
		for _, statement := range statements {
			if _, err := tx.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		one, other := healthtest.InBackground(db, update), healthtest.InBackground(db, update)
		healthtest.Until(t, "two wait", func() bool {
			var n int
			return db.QueryRowContext(t.Context(), "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted").Scan(&n) == nil && n == 2
		})
		if batch { // the second of them queues up behind the first, which waits for the batch
			healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Stop), "lock waits 2 > 1")
		} else {
			healthtest.Becomes(t, s, throttle.Normal)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		one()
		other()
	}
}
