package bgtransform_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// shifts are the batches, of two rows and seven minutes of virtual time each, of an
// instance with a window of four hours a day.
type shifts struct {
	*bgtransform.Scheduler
	stop func() // ends the instance

	off          window.Window
	mu           sync.Mutex
	begun, ended []time.Time
	sizes        []int // rows of each batch
}

// startShifts starts an instance in the bubble of a test.
func startShifts(t *testing.T, db *bun.DB, r bgtransform.Rows[Track]) *shifts {
	t.Helper()
	return startShiftsOf(t, db, r, func(*bgtransform.Config) {}, func(int, int) time.Duration { return 7 * time.Minute })
}

// startShiftsOf is startShifts with a config that is changed, and batches that take
// what a function says of their number and rows. They heed their context.
func startShiftsOf(
	t *testing.T, db *bun.DB, r bgtransform.Rows[Track], change func(*bgtransform.Config), takes func(batch, rows int) time.Duration,
) *shifts {
	t.Helper()
	s := &shifts{}
	each := r.Each
	r.Each = nil
	r.Batch = func(ctx context.Context, ms []*Track) error {
		timer := time.NewTimer(takes(s.begin(len(ms)), len(ms)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		s.mu.Lock()
		s.ended = append(s.ended, time.Now())
		s.mu.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, m := range ms {
			_ = each(ctx, m)
		}
		return nil
	}
	redis := newLease(t)
	cfg := quick(t)
	cfg.Locker, cfg.LeaseTTL = redis, time.Hour
	cfg.Window = window.MustParse("0 2,8,14,20 * * * for 1h in UTC")
	cfg.BatchTimeout, cfg.RowTimeout = 2*time.Hour, 2*time.Hour
	cfg.IdlePoll, cfg.StandbyPoll = time.Minute, time.Minute
	cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 2, StartBatch: 2, MaxBatch: 2, Target: time.Hour}
	change(&cfg)
	s.off = cfg.Window
	var err error
	s.Scheduler, err = bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(r))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = func() {
		cancel()
		must(t, <-done)
		must(t, redis.Close()) // what it runs in the background ends in the bubble
	}
	return s
}

// begin notes that a batch of rows begins, and returns its number.
func (s *shifts) begin(rows int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.sizes = append(s.begun, time.Now()), append(s.sizes, rows)
	return len(s.begun)
}

// status is that of the only transform.
func (s *shifts) status(t *testing.T) bgtransform.Status {
	t.Helper()
	all, err := s.Status(t.Context())
	must(t, err)
	return all[0]
}

// wantInWindow looks whether no batch began outside the window, or ended after it had
// closed. It is called after stop.
func (s *shifts) wantInWindow(t *testing.T, batches int) {
	t.Helper()
	if len(s.begun) != batches || len(s.ended) != batches {
		t.Fatalf("%d batches have begun and %d ended, want %d", len(s.begun), len(s.ended), batches)
	}
	for i, at := range s.begun {
		if !s.off.Contains(at) {
			t.Errorf("batch %d began at %s, outside the window", i, at.UTC())
		}
		if closes, _ := s.off.Closes(at); s.ended[i].After(closes) {
			t.Errorf("batch %d began at %s and ended at %s, after the window had closed", i, at.UTC(), s.ended[i].UTC())
		}
	}
}

// inWindow returns the rows of each batch of the n-th window in which there were any.
// It is called after stop.
func (s *shifts) inWindow(n int) (rows []int) {
	window, last := -1, time.Time{}
	for i, at := range s.begun {
		if at.Sub(last) > 90*time.Minute {
			window++
		}
		if last = at; window == n {
			rows = append(rows, s.sizes[i])
		}
	}
	return rows
}

func waitVirtual(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}
