package telemetry_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/telemetry"
)

type track struct {
	bun.BaseModel `bun:"table:tracks"`

	ID       int64 `bun:",pk"`
	Length   int64
	LengthMS *int64
}

// newTracks returns a database with n tracks that are to be transformed.
func newTracks(t testing.TB, n int) *bun.DB {
	t.Helper()
	const settings = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate"
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db")+settings)
	if err != nil {
		t.Fatal(err)
	}
	db := bun.NewDB(pool, sqlitedialect.New())
	t.Cleanup(func() { _ = db.Close() })
	for _, statement := range []string{
		"CREATE TABLE tracks (id INTEGER PRIMARY KEY, length INTEGER, length_ms INTEGER)",
		fmt.Sprintf("INSERT INTO tracks (id, length) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i, i FROM n", n),
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// toEnd runs a transform until it is complete.
func toEnd(t testing.TB, db *bun.DB, cfg bgtransform.Config, each func(ctx context.Context, m *track) error) time.Duration {
	t.Helper()
	cfg.Environ = []string{}
	cfg.Limits = throttle.Limits{Duty: 1, StartBatch: 1000, MaxBatch: 1000, Target: time.Minute}
	cfg.StandbyPoll = time.Millisecond
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ended := &ending{done: make(chan bgtransform.State, 1)}
	cfg.Observer = bgtransform.Observers(cfg.Observer, ended)
	sched, err := bgtransform.New(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = sched.Register(bgtransform.Rows[track]{
		Name: transform, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"}, Each: each,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { // ends with ctx
		defer close(stopped)
		_ = sched.Run(ctx)
	}()
	defer func() {
		cancel()
		<-stopped
	}()
	select {
	case state := <-ended.done:
		if state != bgtransform.StateComplete {
			t.Fatalf("the transform is %s, want complete", state)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the transform does not end")
	}
	return ended.took
}

// ending tells how the attempt ended, and how long it took.
type ending struct {
	began time.Time
	took  time.Duration
	done  chan bgtransform.State
}

func (e *ending) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	return ctx
}
func (e *ending) BatchEnd(context.Context, bgtransform.BatchEndInfo) {}

func (e *ending) RunStart(ctx context.Context, _ bgtransform.RunStartInfo) (context.Context, string) {
	e.began = time.Now()
	return ctx, ""
}

func (e *ending) RunEnd(_ context.Context, info bgtransform.RunEndInfo) {
	e.took = time.Since(e.began)
	e.done <- info.State
}

func inMS(_ context.Context, m *track) error {
	m.LengthMS = new(m.Length * 1000)
	return nil
}

// queryHook makes a span of each query, as bunotel does.
type queryHook struct{ tracer trace.Tracer }

func (h queryHook) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	ctx, _ = h.tracer.Start(ctx, e.Operation(), trace.WithSpanKind(trace.SpanKindClient))
	return ctx
}

func (queryHook) AfterQuery(ctx context.Context, _ *bun.QueryEvent) { trace.SpanFromContext(ctx).End() }

// What bun's hooks and the code of a transform trace and log is found beneath the batch.
func TestQueriesAndLogsAreBeneathTheBatch(t *testing.T) {
	t.Parallel()
	h, db := newHarness(), newTracks(t, 10)
	db = db.WithQueryHook(queryHook{h.tracers.Tracer("bun")})
	var said bytes.Buffer
	logger := slog.New(telemetry.LogHandler(slog.NewTextHandler(&said, nil)))
	toEnd(t, db, bgtransform.Config{Observer: h.Observer}, func(ctx context.Context, m *track) error {
		if m.ID == 7 {
			logger.InfoContext(ctx, "a long track")
			if _, err := db.NewSelect().Model((*track)(nil)).Where("length > 8").Count(ctx); err != nil {
				return err
			}
		}
		return inMS(ctx, m)
	})

	first := h.named("bgtransform.batch")[0]
	traceID := first.SpanContext().TraceID()
	queries, children := map[string]int{}, map[string]int{}
	for _, s := range h.spans.Ended() {
		if s.InstrumentationScope().Name != "bun" || s.SpanContext().TraceID() != traceID {
			continue
		}
		queries[s.Name()]++
		if s.Parent().SpanID() == first.SpanContext().SpanID() {
			children[s.Name()]++
		}
		if s.EndTime().After(first.EndTime()) {
			t.Errorf("the query %s ends after its batch", s.Name())
		}
	}
	if children["SELECT"] != 1 || children["BEGIN"] != 1 || queries["COMMIT"] != 1 {
		t.Errorf("got queries %v below the first batch, of which children %v; want the app's SELECT, and our transaction", queries, children)
	}
	if found := regexp.MustCompile(`a long track.* trace_id=` + traceID.String()).Find(said.Bytes()); found == nil {
		t.Errorf("got log %s, want the trace %s", said.String(), traceID)
	}
}
