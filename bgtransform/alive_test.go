package bgtransform_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// wedge is a driver that hangs: the first checkpoint with a batch waits for release,
// whatever becomes of its context.
type wedge struct {
	armed   atomic.Bool
	hangs   chan struct{} // closed once one does
	release chan struct{}
}

func (w *wedge) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.Contains(e.Query, `"batches" = 1`) && w.armed.CompareAndSwap(true, false) {
		close(w.hangs)
		<-w.release
	}
	return ctx
}

func (w *wedge) AfterQuery(context.Context, *bun.QueryEvent) {}

func wantAlive(t *testing.T, s *bgtransform.Scheduler, says string) {
	t.Helper()
	switch err := s.Alive(); {
	case err == nil && says != "":
		t.Errorf("it is alive, want %q", says)
	case err != nil && (says == "" || !strings.Contains(err.Error(), says)):
		t.Errorf("Alive says %q, want %q", err, says)
	}
}

func TestAlive(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	s, err := bgtransform.New(db, quick(t))
	must(t, err)
	wantAlive(t, s, "") // it may wait for something
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	wantAlive(t, in.Scheduler, "")
	in.stop()
	wantAlive(t, in.Scheduler, "Run has returned")
}

// Whatever a transform is in is no reason to kill the app.
func TestAliveWithoutDatabaseAndLease(t *testing.T) {
	t.Parallel()
	db, log := newDB(t, 20), new(lines)
	cfg := stuckly(t, newStuckWatch(), log)
	cfg.Locker = &shyLocker{Locker: cfg.Locker}
	in := start(t, db, cfg, toMS("x"))
	in.until("x", "stuck", func(st bgtransform.Status) bool { return !st.Stuck.IsZero() })
	wantAlive(t, in.Scheduler, "")
	must(t, db.Close())
	in.untilReason("x", bgtransform.ReasonDatabase)
	wantAlive(t, in.Scheduler, "")
}

// A driver that hangs, and heeds no context, is one.
func TestAliveBesideAHungDriver(t *testing.T) {
	t.Parallel()
	w := &wedge{hangs: make(chan struct{}), release: make(chan struct{})}
	db := newDB(t, 20).WithQueryHook(w)
	cfg := stuckly(t, newStuckWatch(), new(lines))
	cfg.BatchTimeout, cfg.StuckAfter = 100*time.Millisecond, 400*time.Millisecond
	w.armed.Store(true)
	in := start(t, db, cfg, toMSBySQL("x"))
	release := sync.OnceFunc(func() { close(w.release) })
	t.Cleanup(release)
	eventually(t, func() bool {
		select {
		case <-w.hangs:
			return true
		default:
			return false
		}
	}, func() { t.Fatal("nothing hangs") })
	wantAlive(t, in.Scheduler, "") // it is slow
	eventually(t, func() bool { return in.Alive() != nil }, func() { t.Fatal("it stays alive") })
	wantAlive(t, in.Scheduler, `a batch of "x" goes on`)
	release()
	in.untilState("x", bgtransform.StateComplete)
	wantAlive(t, in.Scheduler, "")
}
