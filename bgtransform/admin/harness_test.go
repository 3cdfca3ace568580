package admin_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Track is the table whose length moves to length_ms.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

const move = "track-length-ms"

// evil is what somebody may get into a name, a reason or an error.
const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`

var errNegative = errors.New("negative length " + evil)

func lengthMS() bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: move, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(_ context.Context, m *Track) error {
			if m.Length < 0 {
				return errNegative
			}
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

func openFile(path string) *bun.DB {
	pool, _ := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate")
	return bun.NewDB(pool, sqlitedialect.New())
}

// newDB returns a database with tracks that are pending, of which bad ones cannot be
// transformed.
func newDB(t testing.TB, tracks, bad int) *bun.DB {
	t.Helper()
	db := openFile(filepath.Join(t.TempDir(), "test.db"))
	t.Cleanup(func() { _ = db.Close() })
	_, err := db.NewCreateTable().Model((*Track)(nil)).Exec(t.Context())
	must(t, err)
	var rows []Track
	for i := range tracks + bad {
		row := Track{ID: int64(i) + 1, Length: int64(i)}
		if i >= tracks {
			row.Length = -1
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		_, err = db.NewInsert().Model(&rows).Exec(t.Context())
		must(t, err)
	}
	return db
}

func newSched(t testing.TB, db *bun.DB, limits throttle.Limits) *bgtransform.Scheduler {
	t.Helper()
	s, err := bgtransform.New(db, bgtransform.Config{
		Environ: []string{}, Limits: limits, LeaseTTL: time.Second, StandbyPoll: 10 * time.Millisecond, IdlePoll: 10 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Instance: "web-1", Version: "7",
	})
	must(t, err)
	must(t, s.Register(lengthMS()))
	return s
}

// start runs the transform until the test ends, or until it is stopped.
func start(t testing.TB, s *bgtransform.Scheduler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // ends with the test
	stop = sync.OnceFunc(func() { cancel(); must(t, <-done) })
	t.Cleanup(stop)
	return stop
}

// until waits for a status that ok accepts.
func until(t testing.TB, s *bgtransform.Scheduler, what string, ok func(bgtransform.Status) bool) {
	t.Helper()
	eventually(t, what, func() bool {
		all, err := s.Status(context.Background())
		return err == nil && ok(all[0])
	})
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it never came to be so: %s", what)
		}
	}
}

func in(state bgtransform.State) func(bgtransform.Status) bool {
	return func(st bgtransform.Status) bool { return st.State == state }
}

// idle returns the page of an instance whose transform has come to its end, without
// anything that runs: a bad row is in quarantine where there is one.
func idle(t testing.TB, db *bun.DB, opts ...admin.Option) (*admin.Handler, *bgtransform.Scheduler) {
	t.Helper()
	s := newSched(t, db, throttle.Limits{Duty: 1})
	stop := start(t, s)
	until(t, s, "walked", func(st bgtransform.Status) bool {
		return st.State == bgtransform.StateComplete || st.Reason.Code == bgtransform.ReasonQuarantine
	})
	stop()
	h := admin.New(s, opts...)
	t.Cleanup(h.Close)
	return h, s
}

// counter counts the queries of a database.
type counter struct{ n atomic.Int64 }

func (c *counter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	c.n.Add(1)
	return ctx
}

func (c *counter) AfterQuery(context.Context, *bun.QueryEvent) {}

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

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
