package dbfaulttest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/adapters/embedded"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// name is the transform's.
const name = "items-dst"

// inGo is the transform in Go code.
func inGo() bgtransform.Rows[Item] {
	return bgtransform.Rows[Item]{
		Name: name, Pending: "dst IS NULL", Reads: []string{"src"}, Writes: []string{"dst"},
		Each: func(_ context.Context, m *Item) error {
			m.Dst = new(m.Src * factor)
			return nil
		},
	}
}

// inSQL is the same transform in SQL.
func inSQL() bgtransform.SQL[Item] {
	return bgtransform.SQL[Item]{Name: name, Pending: "dst IS NULL", Set: "dst = src * 1000"}
}

// quick returns a config for tests: unpaced, and with a lease that no database can
// disturb.
func quick(t testing.TB) bgtransform.Config {
	t.Helper()
	redis := embedded.New()
	t.Cleanup(func() { _ = redis.Close() })
	return bgtransform.Config{
		BatchTimeout: 10 * time.Second,
		Environ:      []string{},
		IdlePoll:     20 * time.Millisecond,
		LeaseTTL:     5 * time.Second,
		Limits:       throttle.Limits{Duty: 1, StartBatch: 100, MaxBatch: 100, Target: time.Minute},
		Locker:       redis,
		LockTimeout:  300 * time.Millisecond,
		Logger:       slog.New(slog.NewTextHandler(t.Output(), nil)),
		StandbyPoll:  10 * time.Millisecond,
	}
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
	go func() { // ends with stop
		defer close(in.done)
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(in.stop)
	return in
}

func (in *instance) stop() {
	in.cancel()
	<-in.done
}

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// until waits until ok returns true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	untilEvery(t, 5*time.Millisecond, what, ok)
}

// untilEvery is until for a question that costs something.
func untilEvery(t testing.TB, every time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never came to be: %s", what)
		}
	}
}

// status returns what the scheduler says of the transform, also when the database
// is down.
func (in *instance) status() bgtransform.Status {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	all, _ := in.Status(ctx)
	return all[0]
}

// until waits for a status that ok accepts, and returns it.
func (in *instance) until(what string, ok func(st bgtransform.Status) bool) bgtransform.Status {
	in.t.Helper()
	var st bgtransform.Status
	defer func() {
		if in.t.Failed() {
			in.t.Logf("the last status: %+v", st)
		}
	}()
	untilEvery(in.t, 20*time.Millisecond, what, func() bool {
		st = in.status()
		return ok(st)
	})
	return st
}

func (in *instance) untilState(want bgtransform.State) bgtransform.Status {
	in.t.Helper()
	return in.until(string(want), func(st bgtransform.Status) bool {
		if st.State == bgtransform.StateFailed && want != bgtransform.StateFailed {
			in.t.Fatalf("failed: %s (%s)", st.Reason, st.LastError)
		}
		if st.Why().Code == bgtransform.ReasonQuarantine && st.Quarantined > 0 {
			in.t.Fatalf("%s, with %d rows in quarantine", st.Why(), st.Quarantined)
		}
		return st.State == want
	})
}

// untilWhy waits until the one reason that operators see has a code and a text
// with said in it.
func (in *instance) untilWhy(code bgtransform.ReasonCode, said string) bgtransform.Status {
	in.t.Helper()
	return in.until("waiting for "+string(code)+": "+said, func(st bgtransform.Status) bool {
		return st.Why().Code == code && strings.Contains(strings.ToLower(st.Why().Text), said)
	})
}

// watcher calls back at the start of each batch, and keeps the ends.
type watcher struct {
	begin func(bgtransform.BatchStartInfo)

	mu   sync.Mutex
	ends []bgtransform.BatchEndInfo
}

func (w *watcher) BatchStart(ctx context.Context, info bgtransform.BatchStartInfo) context.Context {
	if w.begin != nil {
		w.begin(info)
	}
	return ctx
}

func (w *watcher) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, info)
}

// count returns how many batches ended in a way that ok accepts.
func (w *watcher) count(ok func(bgtransform.BatchEndInfo) bool) (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range w.ends {
		if ok(end) {
			n++
		}
	}
	return n
}

// batchOf makes a function for batches of one for rows, with first before it.
func batchOf(each func(context.Context, *Item) error, first func()) func(context.Context, []*Item) error {
	return func(ctx context.Context, ms []*Item) error {
		first()
		for _, m := range ms {
			if err := each(ctx, m); err != nil {
				return err
			}
		}
		return nil
	}
}

// patienceWithRows is how long the code of a row may take in tests: long for a
// machine that is busy with other things, short for a test that waits for it.
const patienceWithRows = 2 * time.Second

// finish waits until the transform is complete, after writers that made rows pending
// have come to rest. What they did to rows behind the cursor of the last pass needs a
// run more. It returns how many rows the runs have changed since the last [instance.again].
func (p place) finish(db *bun.DB, in *instance) (bgtransform.Status, int64) {
	in.t.Helper()
	st := in.untilState(bgtransform.StateComplete)
	if number(in.t, db, "SELECT count(*) FROM items WHERE dst IS NULL") == 0 {
		return st, st.Rows
	}
	earlier := in.again()
	st = in.untilState(bgtransform.StateComplete)
	return st, st.Rows + earlier
}

// again restarts a transform that has come to its end too early, and returns how
// many rows the run that ended had changed.
func (in *instance) again() int64 {
	in.t.Helper()
	was := in.status()
	if was.State != bgtransform.StateComplete {
		return 0
	}
	must(in.t, in.Control().Restart(context.Background(), name, bgtransform.By{Who: "test"}))
	in.until("the next run", func(st bgtransform.Status) bool { return st.Run > was.Run })
	return was.Rows
}
