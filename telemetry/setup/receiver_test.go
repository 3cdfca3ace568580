package setup_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/collectortest"
	"github.com/bgtransform/sidecar/telemetry"
	"github.com/bgtransform/sidecar/telemetry/setup"
)

type track struct {
	bun.BaseModel `bun:"table:tracks"`

	ID       int64 `bun:",pk"`
	Length   int64
	LengthMS *int64
}

// newTracks returns a database with a hundred tracks that are to be transformed.
func newTracks(t *testing.T) *bun.DB {
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
		"INSERT INTO tracks (id, length) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, i FROM n",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// TestRevertArrives reverts a transform, and has the OpenTelemetry Collector's own
// receiver say what it was sent. The app's test of the same does all the rest.
func TestRevertArrives(t *testing.T) {
	collector := collectortest.Start(t)
	vars := map[string]string{}
	for _, kv := range collector.Environ(collectortest.HTTP) {
		name, value, _ := strings.Cut(kv, "=")
		vars[name] = value
	}
	environ(t, vars)
	p, err := setup.FromEnv(t.Context(), setup.Config{ServiceName: "catalogue"})
	if err != nil {
		t.Fatal(err)
	}
	revert(t, p)
	p.Shutdown(t.Context())

	got := collector.Wait(t, collectortest.HTTP, "the revert", func(got collectortest.Received) bool {
		return len(got.Named("bgtransform.revert.batch")) > 0 && outcomes(got)["reverted"] > 0 // an export before the last has neither
	})
	runs := got.Named("bgtransform.run")
	if len(runs) != 2 || runs[0].Attributes["bgtransform.mode"] != "transform" || runs[1].Attributes["bgtransform.mode"] != "revert" {
		t.Fatalf("got runs %v, want one that transforms and one that reverts", runs)
	}
	var reverted int64
	for _, s := range got.Named("bgtransform.revert.batch") {
		if len(s.Links) == 0 || s.Links[0] != runs[1].SpanID || s.Attributes["bgtransform.run"] != int64(2) {
			t.Errorf("a batch of the revert has links %v and attributes %v", s.Links, s.Attributes)
		}
		reverted += s.Attributes["bgtransform.changed"].(int64)
	}
	rows := outcomes(got)
	want := map[any]float64{"changed": 100, "reverted": 99, "moved": 1, "quarantined": 0}
	if diff := cmp.Diff(want, rows); diff != "" || reverted != 99 {
		t.Errorf("%d rows reverted by the spans; by the metrics (-want +got):\n%s", reverted, diff)
	}
}

// outcomes are the rows that were counted, by what became of them.
func outcomes(got collectortest.Received) map[any]float64 {
	rows := map[any]float64{}
	for _, point := range got.Metrics["bgtransform.rows"].Points {
		rows[point.Attributes["bgtransform.outcome"]] = point.Value
	}
	return rows
}

// revert transforms a hundred rows, changes one of them as the app would, and reverts.
func revert(t *testing.T, p *setup.Providers) {
	t.Helper()
	db := newTracks(t)
	sched, err := bgtransform.New(db, bgtransform.Config{
		Environ: []string{}, IdlePoll: 20 * time.Millisecond, StandbyPoll: 10 * time.Millisecond,
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
		Observer: telemetry.New(telemetry.WithTracerProvider(p.TracerProvider()), telemetry.WithMeterProvider(p.MeterProvider())),
	})
	if err != nil {
		t.Fatal(err)
	}
	err = sched.Register(bgtransform.Rows[track]{
		Name: "track-length-ms", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Options: bgtransform.Options{Journal: true},
		Each:    func(_ context.Context, m *track) error { m.LengthMS = new(m.Length * 1000); return nil },
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
	reaches(t, sched, bgtransform.StateComplete)
	if _, err := db.ExecContext(t.Context(), "UPDATE tracks SET length_ms = 7 WHERE id = 9"); err != nil {
		t.Fatal(err)
	}
	if err := sched.Control().Revert(t.Context(), "track-length-ms", bgtransform.By{Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	reaches(t, sched, bgtransform.StateReverted)
}

func reaches(t *testing.T, sched *bgtransform.Scheduler, want bgtransform.State) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		all, err := sched.Status(t.Context())
		if err == nil && len(all) == 1 && all[0].State == want {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited too long until it is %s: %+v, %v", want, all, err)
		}
	}
}
