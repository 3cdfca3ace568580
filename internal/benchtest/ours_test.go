package benchtest_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func rowsTransform() bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: "tracks", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(_ context.Context, t *Track) error { t.LengthMS = new(t.Length * 1000); return nil },
	}
}

func sqlTransform() bgtransform.SQL[Track] {
	return bgtransform.SQL[Track]{Name: "tracks", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}
}

// unthrottled are the limits of somebody in a hurry.
func unthrottled(batch int) throttle.Limits {
	return throttle.Limits{Duty: 1, MinBatch: batch, StartBatch: batch, MaxBatch: batch}
}

// watch is an observer that takes the time of an attempt, batch by batch.
type watch struct {
	mu      sync.Mutex
	began   time.Time
	passed  time.Duration   // from the attempt's begin to the end of its first pass
	whole   time.Duration   // to the end of the attempt
	batches []time.Duration // of the first pass
	ended   chan struct{}

	look  func() spent // nil: nobody wants to know
	spent spent        // by the first pass
}

func newWatch() *watch { return &watch{ended: make(chan struct{})} }

func (w *watch) RunStart(ctx context.Context, _ bgtransform.RunStartInfo) (context.Context, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Now()
	if w.look != nil {
		w.spent = w.look()
	}
	return ctx, ""
}

func (w *watch) BatchStart(ctx context.Context, info bgtransform.BatchStartInfo) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if info.Pass > 1 && w.look != nil {
		w.spent, w.look = w.look().since(w.spent), nil
	}
	return ctx
}

func (w *watch) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if info.Pass > 1 || info.Err != nil {
		return
	}
	now := time.Since(w.began)
	w.batches = append(w.batches, now-w.passed)
	w.passed = now
}

func (w *watch) RunEnd(context.Context, bgtransform.RunEndInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = time.Since(w.began)
	close(w.ended)
}

// complete runs a transform to its end, as a new one, with everything that makes
// it safe and nothing that slows it down on purpose.
func complete(tb testing.TB, s *server, tr bgtransform.Transform, batch int) *watch {
	tb.Helper()
	for _, table := range []string{"transforms", "intents", "ranges", "journal"} {
		exec(tb, s.db, "DROP TABLE IF EXISTS bgtransform_"+table)
	}
	w := newWatch()
	w.look = s.spent
	run(tb, s.db, bgtransform.Config{Limits: unthrottled(batch), Logger: slog.New(slog.DiscardHandler), Observer: w}, tr, w)
	return w
}

// run runs a transform until w has seen its end.
func run(tb testing.TB, db *bun.DB, cfg bgtransform.Config, tr bgtransform.Transform, w *watch) {
	tb.Helper()
	cfg.Environ = []string{}
	s, err := bgtransform.New(db, cfg)
	must(tb, err)
	must(tb, s.Register(tr))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // ends below
	patience := time.NewTimer(time.Hour)
	defer patience.Stop()
	select {
	case <-w.ended:
	case <-patience.C:
		tb.Error("the transform does not come to its end")
	}
	all, err := s.Status(ctx)
	stop()
	must(tb, err)
	must(tb, <-done)
	for _, st := range all {
		if st.State != bgtransform.StateComplete {
			tb.Fatalf("the transform is %s: %s %s", st.State, st.Reason, st.LastError)
		}
	}
}
