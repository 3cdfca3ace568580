package postgreshealth_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/adapters/postgreshealth"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// The lag of a streaming replica, as its primary and as the replica itself tell it,
// while its replay is paused, while it is frozen, and while nothing is written.
func TestReplicaLag(t *testing.T) {
	t.Parallel()
	p := testserver.StartPostgres(t)
	r := testserver.StartPostgresReplica(t, p, "one")
	db, replica := open(t, p.DSN("postgres")), open(t, r.DSN("postgres"))
	pg := postgreshealth.New(db)
	exec(t, db, "CREATE TABLE written (n int)")
	bounds := throttle.Bounds[time.Duration]{Stop: 50 * time.Millisecond}
	told, asked := pg.ReplicaLag(bounds, "one"), pg.LagOf("one", replica, bounds)
	both := func(level throttle.Level) {
		t.Helper()
		becomes(t, told, level)
		becomes(t, asked, level)
	}
	both(throttle.Normal)

	exec(t, replica, "SELECT pg_wal_replay_pause()")
	exec(t, db, "INSERT INTO written VALUES (1)")
	both(throttle.Stop)
	both(throttle.Stop) // it was written once: the lag grows by itself
	exec(t, replica, "SELECT pg_wal_replay_resume()")
	both(throttle.Normal)

	r.Freeze()
	exec(t, db, "INSERT INTO written VALUES (2)")
	becomes(t, told, throttle.Stop) // although it cannot say so itself
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if reading, err := asked.Read(ctx); err == nil {
		t.Errorf("a frozen replica was read: %+v", reading)
	}
	r.Thaw()
	both(throttle.Normal)

	wantText(t, fails(t, pg.ReplicaLag(bounds, "one", "two")), `replica "two" is not connected`)
	wantText(t, fails(t, pg.LagOf("one", db, bounds)), "it is not a replica")
	t.Run("a run", func(t *testing.T) { throttledRun(t, p, db, replica) })
	r.Stop()
	becomes(t, pg.ReplicaLag(bounds), throttle.Normal) // there is none any more
	wantText(t, fails(t, told), `replica "one" is not connected`)
}

type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// throttledRun runs a transform while the replica's replay is paused: it says why,
// stands still, and goes on once the replica has caught up.
func throttledRun(t *testing.T, p *testserver.Postgres, db, replica *sql.DB) {
	exec(t, db, "CREATE TABLE tracks (id bigint PRIMARY KEY, length bigint, length_ms bigint)",
		"INSERT INTO tracks SELECT n, n FROM generate_series(1, 400) AS n")
	exec(t, replica, "SELECT pg_wal_replay_pause()")
	lag := postgreshealth.New(db).ReplicaLag(throttle.Bounds[time.Duration]{Stop: 300 * time.Millisecond})
	lag.Every, lag.Settle = 20*time.Millisecond, 50*time.Millisecond
	status := run(t, db, []throttle.Signal{lag}, bgtransform.SQL[Track]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
	st := status("throttled by the replica", func(st bgtransform.Status) bool {
		return strings.HasPrefix(st.Why().Text, "throttled: replica lag ")
	})
	if st.Rows >= 400 {
		t.Fatalf("all %d rows are done", st.Rows)
	}
	seen := 0
	later := status("throttled for a while", func(bgtransform.Status) bool { seen++; return seen > 30 })
	if later.Rows != st.Rows {
		t.Errorf("%d rows were written while the replica lagged", later.Rows-st.Rows)
	}
	exec(t, replica, "SELECT pg_wal_replay_resume()")
	end := status("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if end.Rows != 400 || end.Attempt != st.Attempt {
		t.Errorf("%d rows by attempt %d, want 400 by %d", end.Rows, end.Attempt, st.Attempt)
	}
}

// run runs a transform until the test ends, and returns how to wait for a status.
func run(t *testing.T, pool *sql.DB, signals []throttle.Signal, transform bgtransform.Transform) func(what string, ok func(bgtransform.Status) bool) bgtransform.Status {
	t.Helper()
	s, err := bgtransform.New(bun.NewDB(pool, pgdialect.New()), bgtransform.Config{
		Environ: []string{}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Signals: signals,
		Limits: throttle.Limits{Duty: 1, RowsPerSecond: 200, MinBatch: 50, StartBatch: 50, MaxBatch: 50},
	})
	if err == nil {
		err = s.Register(transform)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) }) // ends with the test
	t.Cleanup(func() { stop(); running.Wait() })
	return func(what string, ok func(bgtransform.Status) bool) (st bgtransform.Status) {
		t.Helper()
		until(t, what, func() bool {
			all, err := s.Status(t.Context())
			if err != nil {
				return false
			}
			st = all[0]
			return ok(st)
		})
		return st
	}
}

// A batch that the app waits for is cancelled once that is critical.
func TestABatchThatTheAppWaitsForIsCancelled(t *testing.T) {
	t.Parallel()
	db := open(t, testserver.SharedPostgres(t).Database(t))
	exec(t, db, "CREATE TABLE tracks (id bigint PRIMARY KEY, length bigint, length_ms bigint)",
		"INSERT INTO tracks SELECT n, n FROM generate_series(1, 50) AS n")
	waits := postgreshealth.New(db).LockWaits(throttle.Bounds[int]{Critical: 1})
	waits.Every, waits.Settle = 20*time.Millisecond, 40*time.Millisecond
	app := make(chan func(), 2)
	slow := &slowSQL{SQL: bgtransform.SQL[Track]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}, locked: func() {
		for range 2 {
			app <- inBackground(db, "UPDATE tracks SET length = 0 WHERE id = 1")
		}
	}}
	status := run(t, db, []throttle.Signal{waits}, slow)
	for range 2 {
		(<-app)() // the app gets its lock, for the batch lets go of it
	}
	end := status("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if end.Quarantined != 0 || end.Attempt != 1 || end.Rows != 50 {
		t.Errorf("%d rows, %d in quarantine, attempt %d; want 50, 0 and 1", end.Rows, end.Quarantined, end.Attempt)
	}
	if cause, _ := slow.cause.Load().(error); !errors.Is(cause, bgtransform.ErrCritical) {
		t.Errorf("the batch ended with the cause %v, want ErrCritical", cause)
	}
	var zero int64
	if err := db.QueryRowContext(t.Context(), "SELECT length_ms FROM tracks WHERE id = 1").Scan(&zero); err != nil || zero != 0 {
		t.Errorf("length_ms of the app's row is %d, error %v; want that of its length, 0", zero, err)
	}
}

// slowSQL holds the locks of its first batch until its context ends.
type slowSQL struct {
	bgtransform.SQL[Track]

	once   atomic.Bool
	locked func()
	cause  atomic.Value // why the context ended
}

func (s *slowSQL) Open(ctx context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	inner, err := s.SQL.Open(ctx, db)
	return &slowStepper{inner, s}, err
}

type slowStepper struct {
	bgtransform.Stepper

	of *slowSQL
}

func (s *slowStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	step, err := s.Stepper.Step(ctx, req)
	if apply := step.Apply; apply != nil {
		step.Apply = func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			applied, err := apply(ctx, tx)
			if err == nil && s.of.once.CompareAndSwap(false, true) {
				s.of.locked()
				<-ctx.Done()
				s.of.cause.Store(context.Cause(ctx))
			}
			return applied, err
		}
	}
	return step, err
}
