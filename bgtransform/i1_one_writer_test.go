package bgtransform_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// A holder freezes between reading a batch and writing it, another instance,
// whose lease knows nothing of the first one's, takes over, and the first one
// wakes: the fence refuses it.
func TestI1OneWriterFrozenHolder(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	audit(t, db)

	var batch atomic.Int64
	froze, thaw := make(chan struct{}), make(chan struct{})
	frozen := toMS("x")
	each := frozen.Each
	frozen.Each = func(ctx context.Context, m *Track) error {
		if batch.Add(1) == 250 { // in the middle of the third batch
			close(froze)
			<-thaw // deaf to its context, as a stopped process is
		}
		return each(ctx, m)
	}
	watch := &recorder{}
	cfg := quick(t)
	cfg.Instance, cfg.Observer = "first", watch
	first := start(t, db, cfg, frozen)
	<-froze

	cfg = quick(t)
	cfg.Instance = "second"
	second := start(t, db, cfg, toMS("x"))
	second.untilState("x", bgtransform.StateComplete)
	close(thaw)
	first.until("x", "aware of the other", func(st bgtransform.Status) bool {
		for _, end := range watch.all() {
			if errors.Is(end.Err, bgtransform.ErrFenced) {
				return true
			}
		}
		return false
	})
	first.stop()
	second.stop()
	wantOnce(t, db, 1000)
}

// Redis forgets everything while a transform runs, and another instance wins
// the lease: the first one stops, and nothing is written twice.
func TestI1OneWriterLeaseServerForgets(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3000)
	audit(t, db)
	shared := newLease(t)

	reached := make(chan struct{})
	var seen atomic.Int64
	slow := toMS("x")
	each := slow.Each
	slow.Each = func(ctx context.Context, m *Track) error {
		switch n := seen.Add(1); {
		case n == 500:
			close(reached)
		case n > 500:
			<-ctx.Done() // the rest of its life, it works on this row
			return context.Cause(ctx)
		}
		return each(ctx, m)
	}
	watch := &recorder{}
	cfg := quick(t)
	cfg.Locker, cfg.Observer = pooled{shared}, watch
	first := start(t, db, cfg, slow)
	<-reached
	must(t, shared.Client().FlushAll(t.Context()).Err())

	cfg = quick(t)
	cfg.Locker = pooled{shared}
	second := start(t, db, cfg, toMS("x"))
	second.untilState("x", bgtransform.StateComplete)
	first.until("x", "over", func(bgtransform.Status) bool {
		ends := watch.all()
		return len(ends) > 0 && errors.Is(ends[len(ends)-1].Err, lease.ErrLost)
	})
	wantOnce(t, db, 3000)
	if got := second.untilState("x", bgtransform.StateComplete).Quarantined; got != 0 {
		t.Errorf("%d rows are in quarantine: losing the lease is no row's fault", got)
	}
}

// pooled hides that a lease is local, as if instances shared a server.
type pooled struct{ lease.Locker }

// Two processes, each with an embedded Redis of its own, run one table: the
// leases exclude nobody, the fence keeps one writer.
func TestI1OneWriterTwoLocalLeases(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5000)
	audit(t, db)
	slowly := func() bgtransform.Config {
		cfg := quick(t)
		cfg.Limits.RowsPerSecond = 5000 // so that both are there while rows move
		cfg.LeaseTTL = 15 * time.Second // for which a slow machine does not stand still
		return cfg
	}
	a := start(t, db, slowly(), toMS("x"))
	b := start(t, db, slowly(), toMS("x"))
	st := a.untilState("x", bgtransform.StateComplete)
	b.untilState("x", bgtransform.StateComplete)
	wantOnce(t, db, 5000)
	if st.Attempt > 2 {
		t.Errorf("%d attempts: they fenced each other instead of going by the signs of life in the database", st.Attempt)
	}
}

// The same with leases that pretend to exclude the pool, so that nothing but
// the fence is left: both claim in turn, and still nothing is written twice.
func TestI1OneWriterFenceAlone(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5000)
	audit(t, db)
	for range 3 {
		cfg := quick(t)
		cfg.Locker = pooled{cfg.Locker}
		start(t, db, cfg, toMS("x"))
	}
	cfg := quick(t)
	cfg.Locker = pooled{cfg.Locker}
	in := start(t, db, cfg, toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	wantOnce(t, db, 5000)
}

// A sign that a holder gave before the database's clock was set back by an hour does
// not keep an instance with a local lease waiting for that hour, as a young sign does
// for the lease's ttl.
func TestI1SignOfAClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	cfg := quick(t)
	cfg.LeaseTTL = time.Hour
	first := start(t, db, cfg, toMS("x"))
	first.untilState("x", bgtransform.StateComplete)
	first.stop()
	sign := func(ahead time.Duration) {
		t.Helper()
		exec(t, db, "UPDATE tracks SET length_ms = NULL")
		exec(t, db, "UPDATE bgtransform_ranges SET holder = 'gone', heartbeat_ms = ?", time.Now().Add(ahead).UnixMilli())
		exec(t, db, "UPDATE bgtransform_transforms SET state = 'running'")
	}
	cfg.Locker = newLease(t)
	sign(8 * time.Hour) // as when the ttl of that instance was longer
	second := start(t, db, cfg, toMS("x"))
	second.untilReason("x", bgtransform.ReasonHeld)
	second.stop()
	sign(11 * time.Hour)
	start(t, db, cfg, toMS("x")).untilState("x", bgtransform.StateComplete)
}
