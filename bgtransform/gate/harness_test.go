package gate_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// Track is the table whose length moves to length_ms.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

const move = "track-length-ms"

func lengthMS() bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: move, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(_ context.Context, m *Track) error {
			ms := m.Length * 1000
			m.LengthMS = &ms
			return nil
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, db bun.IDB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(context.Background(), query, args...)
	must(t, err)
}

// newDB returns an empty database of a kind.
func newDB(t testing.TB, kind string) *bun.DB {
	t.Helper()
	switch kind {
	case "pg":
		return open(t, kind, testserver.SharedPostgres(t).Database(t))
	case "mysql":
		return open(t, kind, testserver.SharedMariaDB(t).Database(t))
	default:
		return open(t, kind, dsn(filepath.Join(t.TempDir(), "test.db")))
	}
}

func dsn(path string) string {
	return "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate"
}

// openFile returns a handle on a database file; the driver knows no error before the
// first query.
func openFile(path string) *bun.DB {
	pool, _ := sql.Open("sqlite", dsn(path))
	return bun.NewDB(pool, sqlitedialect.New())
}

// nowhere returns a handle on a server that is not there.
func nowhere(t testing.TB, kind string) *bun.DB {
	t.Helper()
	if kind == "pg" {
		return open(t, kind, "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	}
	return open(t, kind, "nobody@tcp(127.0.0.1:1)/none?timeout=1s")
}

func open(t testing.TB, kind, dsn string) *bun.DB {
	t.Helper()
	driver, spoken := map[string]string{"pg": "pgx", "mysql": "mysql", "sqlite": "sqlite"}[kind], schema.Dialect(sqlitedialect.New())
	switch kind {
	case "pg":
		spoken = pgdialect.New()
	case "mysql":
		spoken = mysqldialect.New()
	}
	pool, err := sql.Open(driver, dsn)
	must(t, err)
	pool.SetMaxOpenConns(8)
	db := bun.NewDB(pool, spoken)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// onEach runs a test on an empty database of each kind, side by side.
func onEach(t *testing.T, fn func(t *testing.T, db *bun.DB)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "pg", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, newDB(t, kind))
		})
	}
}

// seed makes the app's table with n rows that are pending.
func seed(t testing.TB, db *bun.DB, n int64) {
	t.Helper()
	_, err := db.NewCreateTable().Model((*Track)(nil)).Exec(t.Context())
	must(t, err)
	for i := range n {
		_, err := db.NewInsert().Model(&Track{ID: i + 1, Length: i}).Exec(t.Context())
		must(t, err)
	}
}

// start runs the transform until the test ends, or until it is stopped.
func start(t testing.TB, db *bun.DB, limits throttle.Limits, transforms ...bgtransform.Transform) (_ *bgtransform.Scheduler, stop func()) {
	t.Helper()
	return startWith(t, db, bgtransform.Config{
		Environ: []string{}, Limits: limits, LeaseTTL: time.Second, StandbyPoll: 10 * time.Millisecond, IdlePoll: 10 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), FleetRules: fleet.Rules{Every: 20 * time.Millisecond, MinAge: 20 * time.Millisecond, Settle: 20 * time.Millisecond},
	}, transforms...)
}

// startWith is start with another Config.
func startWith(t testing.TB, db *bun.DB, cfg bgtransform.Config, transforms ...bgtransform.Transform) (_ *bgtransform.Scheduler, stop func()) {
	t.Helper()
	s, err := bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(transforms...))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // ends with the test
	stop = sync.OnceFunc(func() { cancel(); must(t, <-done) })
	t.Cleanup(stop)
	return s, stop
}

// until waits for a status that ok accepts.
func until(t testing.TB, s *bgtransform.Scheduler, what string, ok func(bgtransform.Status) bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := s.Status(context.Background())
		if err == nil && ok(all[0]) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it never came to be %s: %+v, %v", what, all, err)
		}
	}
}

// proven brings a database to where nothing is missing: complete, verified, with an
// instance in phase new, and counted for long enough.
func proven(t testing.TB, db *bun.DB) {
	t.Helper()
	seed(t, db, 3)
	s, stop := start(t, db, throttle.Limits{Duty: 1}, lengthMS())
	until(t, s, "complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	must(t, s.Control().Verify(t.Context(), move, bgtransform.VerifyOptions{}, bgtransform.By{Who: "ann"}))
	until(t, s, "verified", func(st bgtransform.Status) bool { return !st.Verified.IsZero() })
	stop()
	counted(t, db, 30*time.Hour)
	registry, err := store.NewFleet(db)
	must(t, err)
	must(t, registry.Announce(t.Context(), fleet.Member{
		Instance: "web-1", Term: "k1", App: "music", Version: "3", Stages: map[string]fleet.Stage{move: fleet.New},
	}, time.Hour))
}

// counted says that reads were counted for some time.
func counted(t testing.TB, db *bun.DB, d time.Duration) {
	t.Helper()
	var hours []store.Reads
	now := time.Now()
	for at := now.Add(-d); at.Before(now); at = at.Add(time.Hour) {
		hours = append(hours, store.Reads{
			Name: move, Instance: "web-1", HourMS: at.Truncate(time.Hour).UnixMilli(),
			FirstMS: at.UnixMilli(), SeenMS: min(at.Add(59*time.Minute).UnixMilli(), now.UnixMilli()),
		})
	}
	_, err := db.NewInsert().Model(&hours).Exec(t.Context())
	must(t, err)
}
