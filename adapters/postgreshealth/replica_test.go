package postgreshealth_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/adapters/postgreshealth"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/healthtest"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// The lag of a streaming replica, as its primary and as the replica itself tell it,
// while its replay is paused, while it is frozen, and while nothing is written.
func TestReplicaLag(t *testing.T) {
	t.Parallel()
	p := testserver.StartPostgres(t)
	r := testserver.StartPostgresReplica(t, p, "one")
	db, replica := healthtest.Open(t, "pgx", p.DSN("postgres")), healthtest.Open(t, "pgx", r.DSN("postgres"))
	pg := postgreshealth.New(db)
	healthtest.Exec(t, db, "CREATE TABLE written (n int)")
	bounds := throttle.Bounds[time.Duration]{Stop: 50 * time.Millisecond}
	told, asked := pg.ReplicaLag(bounds, "one"), pg.LagOf("one", replica, bounds)
	both := func(level throttle.Level) {
		t.Helper()
		healthtest.Becomes(t, told, level)
		healthtest.Becomes(t, asked, level)
	}
	both(throttle.Normal)

	healthtest.Exec(t, replica, "SELECT pg_wal_replay_pause()")
	healthtest.Exec(t, db, "INSERT INTO written VALUES (1)")
	both(throttle.Stop)
	both(throttle.Stop) // it was written once: the lag grows by itself
	healthtest.Exec(t, replica, "SELECT pg_wal_replay_resume()")
	both(throttle.Normal)

	r.Freeze()
	healthtest.Exec(t, db, "INSERT INTO written VALUES (2)")
	healthtest.Becomes(t, told, throttle.Stop) // although it cannot say so itself
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if reading, err := asked.Read(ctx); err == nil {
		t.Errorf("a frozen replica was read: %+v", reading)
	}
	r.Thaw()
	both(throttle.Normal)

	healthtest.WantText(t, healthtest.Fails(t, pg.ReplicaLag(bounds, "one", "two")), `replica "two" is not connected`)
	healthtest.WantText(t, healthtest.Fails(t, pg.LagOf("one", db, bounds)), "it is not a replica")
	t.Run("a run", func(t *testing.T) { throttledRun(t, db, replica) })
	r.Stop()
	healthtest.Becomes(t, pg.ReplicaLag(bounds), throttle.Normal) // there is none any more
	healthtest.WantText(t, healthtest.Fails(t, told), `replica "one" is not connected`)
}

// throttledRun runs a transform while the replica's replay is paused: it says why,
// stands still, and goes on once the replica has caught up.
func throttledRun(t *testing.T, db, replica *sql.DB) {
	healthtest.Exec(t, db, healthtest.CreateTracks,
		"INSERT INTO tracks SELECT n, n FROM generate_series(1, 400) AS n")
	lag := postgreshealth.New(db).ReplicaLag(throttle.Bounds[time.Duration]{Stop: 300 * time.Millisecond})
	lag.Every, lag.Settle = 20*time.Millisecond, 50*time.Millisecond
	healthtest.Becomes(t, lag, throttle.Normal)
	healthtest.Exec(t, replica, "SELECT pg_wal_replay_pause()")
	healthtest.Exec(t, db, "INSERT INTO written VALUES (3)")
	healthtest.Becomes(t, lag, throttle.Stop)
	status := healthtest.Run(t, bun.NewDB(db, pgdialect.New()), []throttle.Signal{lag}, healthtest.ToMS())
	st := status("throttled by the replica", func(st bgtransform.Status) bool {
		return strings.HasPrefix(st.Why().Text, "throttled: replica lag ")
	})
	seen := 0
	later := status("throttled for a while", func(bgtransform.Status) bool { seen++; return seen > 30 })
	if later.Rows != 0 {
		t.Errorf("%d rows were written while the replica lagged", later.Rows)
	}
	healthtest.Exec(t, replica, "SELECT pg_wal_replay_resume()")
	end := status("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if end.Rows != 400 || end.Attempt != st.Attempt {
		t.Errorf("%d rows by attempt %d, want 400 by %d", end.Rows, end.Attempt, st.Attempt)
	}
}

// A batch that the app waits for is cancelled once that is critical.
func TestABatchThatTheAppWaitsForIsCancelled(t *testing.T) {
	t.Parallel()
	db := healthtest.Open(t, "pgx", testserver.SharedPostgres(t).Database(t))
	healthtest.Exec(t, db, healthtest.CreateTracks,
		"INSERT INTO tracks SELECT n, n FROM generate_series(1, 50) AS n")
	waits := postgreshealth.New(db).LockWaits(throttle.Bounds[int]{Critical: 1})
	waits.Every, waits.Settle = 20*time.Millisecond, 40*time.Millisecond
	app := make(chan func(), 2)
	slow := &healthtest.Holding{SQL: healthtest.ToMS(), Locked: func() {
		for range 2 {
			app <- healthtest.InBackground(db, "UPDATE tracks SET length = 0 WHERE id = 1")
		}
	}}
	status := healthtest.Run(t, bun.NewDB(db, pgdialect.New()), []throttle.Signal{waits}, slow)
	for range 2 {
		(<-app)() // the app gets its lock, for the batch lets go of it
	}
	end := status("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if end.Quarantined != 0 || end.Attempt != 1 || end.Rows != 50 {
		t.Errorf("%d rows, %d in quarantine, attempt %d; want 50, 0 and 1", end.Rows, end.Quarantined, end.Attempt)
	}
	if cause := slow.Cause(); !errors.Is(cause, bgtransform.ErrCritical) {
		t.Errorf("the batch ended with the cause %v, want ErrCritical", cause)
	}
	var zero int64
	if err := db.QueryRowContext(t.Context(), "SELECT length_ms FROM tracks WHERE id = 1").Scan(&zero); err != nil || zero != 0 {
		t.Errorf("length_ms of the app's row is %d, error %v; want that of its length, 0", zero, err)
	}
}
