package benchtest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// commands counts what a Redis client sends.
type commands struct{ n atomic.Int64 }

func (c *commands) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// An instance with nothing to do costs one small query for each idle poll,
// which is a minute by default, however many transforms it has, and nothing
// else: neither a word to Redis, nor a query for what is disabled.
//
// It is not parallel, because it counts goroutines.
func TestIdleCost(t *testing.T) {
	for _, test := range []struct {
		transforms int
		disabled   bool
		queries    int // of one poll, at most
	}{
		{transforms: 1, queries: 1},
		{transforms: 20, queries: 1},
		{transforms: 20, disabled: true, queries: 0},
	} {
		t.Run(fmt.Sprintf("%d disabled %t", test.transforms, test.disabled), func(t *testing.T) {
			const poll = 100 * time.Millisecond
			db, counted := openCounted(t, testserver.SharedPostgres(t).Database(t))
			s := &server{name: "PostgreSQL", db: db, series: postgresSeries}
			s.fill(t, 10)
			client := redis.NewClient(&redis.Options{Addr: testserver.SharedRedis(t).Addr()})
			t.Cleanup(func() { _ = client.Close() })
			sent := new(commands)
			client.AddHook(sent)

			heap, routines := footprint()
			sched, err := bgtransform.New(db, bgtransform.Config{
				Environ: []string{}, IdlePoll: poll, StandbyPoll: time.Millisecond, Locker: redislease.New(client),
				Limits: unthrottled(batchSize), Logger: slog.New(slog.DiscardHandler),
			})
			must(t, err)
			for i := range test.transforms {
				tr := sqlTransform()
				tr.Name = fmt.Sprintf("tracks-%d", i)
				tr.Options.Disabled = test.disabled
				must(t, sched.Register(tr))
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- sched.Run(ctx) }() // ends below
			quiet(t, sched, test.disabled)
			rested(t, counted, 10*test.queries)

			counted.take()
			before, began := sent.n.Load(), time.Now()
			wait := time.NewTimer(20 * poll)
			defer wait.Stop()
			<-wait.C
			said, elapsed := counted.take(), time.Since(began)
			if most := test.queries * (int(elapsed/poll) + 1); len(said) > most {
				t.Errorf("%d calls to the database in %s, want at most %d:\n%s", len(said), elapsed, most, short(said))
			}
			if test.queries > 0 && len(said) == 0 {
				t.Error("the instance has stopped looking for operators")
			}
			if n := sent.n.Load() - before; n != 0 {
				t.Errorf("%d commands to Redis, want none", n)
			}
			heapNow, routinesNow := footprint()
			t.Logf("%d calls in %.0f polls; %d bytes of heap and %d goroutines more than before", len(said), elapsed.Seconds()/poll.Seconds(), heapNow-heap, routinesNow-routines)
			if most := 20 + 2*test.transforms; routinesNow-routines > most {
				t.Errorf("%d goroutines, want at most %d", routinesNow-routines, most)
			}
			stop()
			must(t, <-done)
		})
	}
}

// quiet waits until an instance has nothing to do.
func quiet(t *testing.T, s *bgtransform.Scheduler, disabled bool) {
	t.Helper()
	patience := time.NewTimer(2 * time.Minute)
	defer patience.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		all, err := s.Status(t.Context())
		busy := 0
		for _, st := range all {
			if disabled && st.Here.Code != bgtransform.ReasonDisabled || !disabled && st.State != bgtransform.StateComplete {
				busy++
			}
			if !disabled && st.Here.Code == bgtransform.ReasonHeld {
				busy++
			}
		}
		if err == nil && len(all) > 0 && busy == 0 {
			return
		}
		select {
		case <-again.C:
		case <-patience.C:
			t.Fatalf("the instance never came to rest: %+v (%v)", all, err)
		}
	}
}

// rested waits until the last of what an instance writes on its way to rest, such
// as the reason why it does, is behind it: for a second, it makes no more calls
// than its polls.
func rested(t *testing.T, c *calls, polls int) {
	t.Helper()
	patience := time.NewTimer(2 * time.Minute)
	defer patience.Stop()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		c.take()
		select {
		case <-again.C:
		case <-patience.C:
			t.Fatal("the instance never came to rest")
		}
		if len(c.take()) <= polls {
			return
		}
	}
}

// footprint returns the bytes of heap in use, and the number of goroutines.
func footprint() (heap int64, routines int) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), runtime.NumGoroutine()
}
