package bgtransform_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform"
)

// The database is not there at boot: the scheduler is made, runs, says why,
// and goes on when it comes.
func TestI6AppFirstNoDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "later")
	db := open(t, filepath.Join(dir, "test.db"))
	began := time.Now()
	in := start(t, db, quick(t), toMS("x"))
	if took := time.Since(began); took > time.Second {
		t.Errorf("boot was held up for %s", took)
	}
	st := in.untilReason("x", bgtransform.ReasonDatabase)
	if !strings.Contains(st.Here.Text, "unable to open database file") {
		t.Errorf("reason is %q", st.Here)
	}
	must(t, os.Mkdir(dir, 0o755))
	in.until("x", "waiting for its table", func(st bgtransform.Status) bool { return st.Reason.Code == bgtransform.ReasonSchema })
	seed(t, db, 10)
	in.untilState("x", bgtransform.StateComplete)
}

// Redis is not there: nothing is advanced, the status says why, and shutdown
// is not held up.
func TestI6AppFirstNoRedis(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	cfg := quick(t)
	cfg.Locker = redislease.New(rdb)
	in := start(t, db, cfg, toMS("x"))
	st := in.untilReason("x", bgtransform.ReasonLocker)
	if !strings.Contains(st.Here.Text, "the lease's server cannot be reached") {
		t.Errorf("reason is %q", st.Here)
	}
	began := time.Now()
	in.stop()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("shutdown took %s", took)
	}
}

// A panic fails that transform only: a row's goes to quarantine, a kind's own
// fails it, an observer's costs that observer.
func TestI6AppFirstPanics(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	r := toMS("rows")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 7 {
			panic("a bug")
		}
		return each(ctx, m)
	}
	broken := custom{name: "broken", step: func(context.Context, bgtransform.Request) (bgtransform.Step, error) { panic("a worse bug") }}
	cfg := quick(t)
	cfg.Concurrency = 3
	cfg.Observer = &recorder{hook: func(bgtransform.BatchStartInfo) { panic("a bug in the observer") }}
	in := start(t, db, cfg, r, broken)
	if st := in.untilReason("rows", bgtransform.ReasonQuarantine); st.Rows != 49 || st.Quarantined != 1 {
		t.Errorf("got %+v", st)
	}
	if st := in.untilState("broken", bgtransform.StateFailed); !strings.Contains(st.LastError, "panic of type string") {
		t.Errorf("last error is %q", st.LastError)
	}
}

// Shutdown does not wait for user code that hangs, and what was committed stays.
func TestI6AppFirstShutdown(t *testing.T) {
	t.Parallel()
	db := newDB(t, 500)
	audit(t, db)
	hanging, release := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(release) })
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 250 {
			close(hanging)
			<-release
		}
		return each(ctx, m)
	}
	cfg := quick(t)
	cfg.Grace = 100 * time.Millisecond
	in := start(t, db, cfg, r)
	<-hanging
	began := time.Now()
	in.stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("shutdown took %s", took)
	}
	st := start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete)
	if st.Quarantined != 0 {
		t.Errorf("%d rows in quarantine: a shutdown is no row's fault", st.Quarantined)
	}
	wantOnce(t, db, 500)
}

// A graceful stop hands over at once, long before the lease would end.
func TestI6AppFirstHandover(t *testing.T) {
	t.Parallel()
	db := newDB(t, 100_000)
	shared := pooled{newLease(t)}
	cfg := quick(t)
	cfg.Locker, cfg.LeaseTTL, cfg.StandbyPoll, cfg.Instance = shared, time.Minute, 0, "first"
	cfg.Limits.RowsPerSecond = 2000
	first := start(t, db, cfg, toMS("x"))
	first.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	cfg.Instance = "second"
	second := start(t, db, cfg, toMS("x"))
	second.untilReason("x", bgtransform.ReasonHeld)
	first.stop()
	began := time.Now()
	second.until("x", "taken over", func(st bgtransform.Status) bool { return st.Attempt == 2 && st.Holder == "second" })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the hand-over took %s", took)
	}
}

// A bad flag never keeps the app from booting; nothing runs until it is right.
func TestI6AppFirstBadFlags(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	cfg := quick(t)
	cfg.Environ = []string{"BGTRANSFORM_ENABLED__X=flase", "BGTRANSFORM_WINDOWS=always"}
	in := start(t, db, cfg, toMS("x"))
	st := in.untilReason("x", bgtransform.ReasonFlags)
	for _, part := range []string{"BGTRANSFORM_ENABLED__X", `"flase"`, "true or false", "did you mean BGTRANSFORM_WINDOW"} {
		if !strings.Contains(st.Here.Text, part) {
			t.Errorf("reason %q does not tell %q", st.Here.Text, part)
		}
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
		t.Errorf("%d rows were transformed", n)
	}
}

// Cancellation of Run is not an error, and a second Run is.
func TestI6AppFirstRunTwice(t *testing.T) {
	t.Parallel()
	in := start(t, newDB(t, 1), quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	in.stop()
	if err := in.Run(t.Context()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("second Run: %v", err)
	}
}
