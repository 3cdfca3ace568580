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
}

// startShifts starts an instance in the bubble of a test.
func startShifts(t *testing.T, db *bun.DB, r bgtransform.Rows[Track]) *shifts {
	t.Helper()
	s := &shifts{off: window.MustParse("0 2,8,14,20 * * * for 1h in UTC")}
	each := r.Each
	r.Each = nil
	r.Batch = func(ctx context.Context, ms []*Track) error {
		s.note(&s.begun)
		timer := time.NewTimer(7 * time.Minute)
		defer timer.Stop()
		<-timer.C
		s.note(&s.ended)
		for _, m := range ms {
			_ = each(ctx, m)
		}
		return nil
	}
	redis := newLease(t)
	cfg := quick(t)
	cfg.Locker, cfg.LeaseTTL = redis, time.Hour
	cfg.Window, cfg.BatchTimeout, cfg.RowTimeout = s.off, time.Hour, time.Hour
	cfg.IdlePoll, cfg.StandbyPoll = time.Minute, time.Minute
	cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 2, StartBatch: 2, MaxBatch: 2, Target: time.Hour}
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

func (s *shifts) note(moments *[]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*moments = append(*moments, time.Now())
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

func waitVirtual(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}
