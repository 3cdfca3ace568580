package bgtransform_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/adapters/embedded"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Track is the table that most tests transform.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Title    string `bun:"title"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// toMS is the transform that most tests run.
func toMS(name string) bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: name, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(_ context.Context, m *Track) error {
			ms := m.Length * 1000
			m.LengthMS = &ms
			return nil
		},
	}
}

func toMSBySQL(name string) bgtransform.SQL[Track] {
	return bgtransform.SQL[Track]{Name: name, Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}
}

func dsn(path string) string {
	return "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate"
}

func open(t testing.TB, path string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	db := bun.NewDB(pool, sqlitedialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// newDB returns a fresh database with n tracks, of i seconds each.
func newDB(t testing.TB, n int) *bun.DB {
	t.Helper()
	db := open(t, filepath.Join(t.TempDir(), "test.db"))
	seed(t, db, n)
	return db
}

func seed(t testing.TB, db *bun.DB, n int) {
	t.Helper()
	ctx := context.Background()
	must(t, errOf(db.NewCreateTable().Model((*Track)(nil)).Exec(ctx)))
	for from := 1; from <= n; from += 1000 {
		var tracks []Track
		for i := from; i < from+1000 && i <= n; i++ {
			tracks = append(tracks, Track{ID: int64(i), Title: fmt.Sprint("track ", i), Length: int64(i)})
		}
		must(t, errOf(db.NewInsert().Model(&tracks).Exec(ctx)))
	}
}

func errOf[T any](_ T, err error) error { return err }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, db bun.IDB, query string, args ...any) {
	t.Helper()
	must(t, errOf(db.ExecContext(context.Background(), query, args...)))
}

func count(t testing.TB, db bun.IDB, query string, args ...any) (n int64) {
	t.Helper()
	must(t, db.QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n
}

// audit counts, by triggers, how often each row's length_ms was written.
func audit(t testing.TB, db *bun.DB) {
	t.Helper()
	exec(t, db, "CREATE TABLE audit (id BIGINT, value BIGINT)")
	for _, statement := range auditTriggers(db) {
		exec(t, db, statement)
	}
}

// wantOnce fails unless each of n rows was written exactly once, and rightly.
func wantOnce(t testing.TB, db *bun.DB, n int64) {
	t.Helper()
	if got := count(t, db, "SELECT count(*) FROM tracks WHERE "+differs(db, "length_ms", "length * 1000")); got != 0 {
		t.Errorf("%d rows have a wrong length_ms", got)
	}
	if got := count(t, db, "SELECT count(*) FROM audit"); got != n {
		t.Errorf("rows were written %d times in all, want %d", got, n)
	}
	if got := count(t, db, "SELECT count(*) FROM (SELECT id FROM audit GROUP BY id HAVING count(*) <> 1) AS a"); got != 0 {
		t.Errorf("%d rows were not written exactly once", got)
	}
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// quick returns a config for tests: unpaced, with a lease of its own and
// without the flags of the test's environment.
func quick(t testing.TB) bgtransform.Config {
	t.Helper()
	return bgtransform.Config{
		Environ:     []string{},
		FleetRules:  quickRules(),
		IdlePoll:    20 * time.Millisecond,
		LeaseTTL:    time.Second,
		Limits:      throttle.Limits{Duty: 1, StartBatch: 100, MaxBatch: 100, Target: time.Minute},
		Locker:      newLease(t),
		Logger:      slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
		StandbyPoll: 10 * time.Millisecond,
	}
}

// quickRules are for pools whose members are all there, and not older than a test.
func quickRules() fleet.Rules {
	return fleet.Rules{Every: 20 * time.Millisecond, MinAge: 1, Settle: 1, TTL: 20 * time.Second, Trust: 20 * time.Second}
}

func newLease(t testing.TB) *embedded.Redis {
	r := embedded.New()
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// instance is a scheduler that runs.
type instance struct {
	*bgtransform.Scheduler
	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs a scheduler until the test ends or stop is called.
func start(t testing.TB, db *bun.DB, cfg bgtransform.Config, transforms ...bgtransform.Transform) *instance {
	t.Helper()
	s, err := bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(transforms...))
	ctx, cancel := context.WithCancel(context.Background())
	in := &instance{Scheduler: s, t: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(in.done)
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(in.stop)
	return in
}

// stop ends the scheduler and waits for it.
func (in *instance) stop() {
	in.cancel()
	<-in.done
}

// until waits for a status that ok accepts, and returns it.
func (in *instance) until(name, what string, ok func(bgtransform.Status) bool) bgtransform.Status {
	in.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	var last bgtransform.Status
	for {
		all, _ := in.Status(context.Background())
		for _, st := range all {
			if st.Transform != name {
				continue
			}
			if last = st; ok(st) {
				return st
			}
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			in.t.Fatalf("%s never came to be %s; last: %+v", name, what, last)
		}
	}
}

func (in *instance) untilState(name string, want bgtransform.State) bgtransform.Status {
	in.t.Helper()
	return in.until(name, string(want), func(st bgtransform.Status) bool {
		if st.State == bgtransform.StateFailed && want != bgtransform.StateFailed {
			in.t.Fatalf("%s failed: %s (%s)", name, st.Reason, st.LastError)
		}
		return st.State == want
	})
}

func (in *instance) untilReason(name string, want bgtransform.ReasonCode) bgtransform.Status {
	in.t.Helper()
	return in.until(name, "waiting for "+string(want), func(st bgtransform.Status) bool {
		return st.Reason.Code == want || st.Here.Code == want
	})
}

// recorder is an observer that keeps the ends of batches.
type recorder struct {
	mu   sync.Mutex
	ends []bgtransform.BatchEndInfo
	hook func(bgtransform.BatchStartInfo)
}

func (r *recorder) BatchStart(ctx context.Context, info bgtransform.BatchStartInfo) context.Context {
	if r.hook != nil {
		r.hook(info)
	}
	return ctx
}

func (r *recorder) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, info)
}

func (r *recorder) all() []bgtransform.BatchEndInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]bgtransform.BatchEndInfo(nil), r.ends...)
}
