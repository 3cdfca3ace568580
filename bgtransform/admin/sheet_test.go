package admin

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// numbered is a document that says how often it was read.
type numbered struct{ Reading int }

func (n numbered) steady() any { return n }

// reader counts readings, each of which takes some time.
func reader(takes time.Duration) func(context.Context) (numbered, error) {
	var mu sync.Mutex
	n := 0
	return func(context.Context) (numbered, error) {
		mu.Lock()
		n++
		now := n
		mu.Unlock()
		<-time.After(takes)
		return numbered{now}, nil
	}
}

// said is the reading that a sheet shows.
func said(t *testing.T, s *sheet[numbered], age time.Duration) int {
	t.Helper()
	v, err := s.get(t.Context(), age)
	if err != nil {
		t.Fatal(err)
	}
	return v.value.Reading
}

// A database that hangs is asked once for all who wait, though the answer takes longer
// than it is good for.
func TestSlowReadingIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSheet(slog.New(slog.DiscardHandler), readOneTime, reader(9*time.Second))
		began := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got := said(t, s, 2*time.Second); got != 1 {
					t.Errorf("somebody waited for reading %d", got)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != 9*time.Second {
			t.Errorf("all have waited %s, want 9s", took)
		}
		<-time.After(2 * time.Second)
		if got := said(t, s, 2*time.Second); got != 2 {
			t.Errorf("after two seconds it says what reading %d did, want a new one", got)
		}
	})
}

// What was read while somebody has changed something does not hide the change.
func TestExpiredWhileItIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSheet(slog.New(slog.DiscardHandler), readOneTime, reader(time.Second))
		var first sync.WaitGroup
		first.Go(func() { _ = said(t, s, time.Minute) })
		<-time.After(time.Second / 2)
		s.expire()
		first.Wait()
		if got := said(t, s, time.Minute); got != 2 {
			t.Errorf("after the change it says what reading %d did, want 2", got)
		}
		if got := said(t, s, time.Minute); got != 2 {
			t.Errorf("it was read again, for the %dth time", got)
		}
	})
}

// Watchers are told of what is new, not of each reading; who has left is forgotten.
func TestWatchers(t *testing.T) {
	t.Parallel()
	says := 1
	s := newSheet(slog.New(slog.DiscardHandler), readOneTime, func(context.Context) (numbered, error) { return numbered{says}, nil })
	changed, leave := s.watch()
	told := func() bool {
		_ = said(t, s, 0)
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	if !told() || told() {
		t.Error("want a watcher to be told of the first reading, and not of one that is the same")
	}
	if says = 2; !told() {
		t.Error("a watcher is not told of something new")
	}
	leave()
	if len(s.watchers) != 0 {
		t.Errorf("%d watchers are kept when none is there", len(s.watchers))
	}
}

// A panic is told with where it was, to the log alone.
func TestPanicOfAReading(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := newSheet(slog.New(slog.NewTextHandler(&log, nil)), readOneTime, func(context.Context) (numbered, error) { panic("the secret") })
	_, err := s.get(t.Context(), time.Second)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error is %v, want one that keeps the secret", err)
	}
	if !strings.Contains(log.String(), "the secret") || !strings.Contains(log.String(), "sheet_test.go") {
		t.Errorf("the log does not say what and where:\n%s", log.String())
	}
}
