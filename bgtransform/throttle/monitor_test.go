package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// gauge is a signal that a test sets.
type gauge struct {
	mu      sync.Mutex
	reading throttle.Reading
	do      func(ctx context.Context) error // instead of a reading, if not nil
	looks   int
}

func (g *gauge) set(level throttle.Level, reason string) {
	g.fail(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reading = throttle.Reading{Level: level, Reason: reason}
}

func (g *gauge) fail(do func(ctx context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.do = do
}

func (g *gauge) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.looks
}

func (g *gauge) read(ctx context.Context) (throttle.Reading, error) {
	g.mu.Lock()
	g.looks++
	reading, do := g.reading, g.do
	g.mu.Unlock()
	if do != nil {
		return throttle.Reading{}, do(ctx)
	}
	return reading, nil
}

func (g *gauge) signal(name string, unknown throttle.Level) throttle.Signal {
	return throttle.Signal{Name: name, Read: g.read, Unknown: unknown}
}

// passed lets time pass, and all that it sets off come to rest.
func passed(d time.Duration) {
	pass(d)
	synctest.Wait()
}

// watched runs f in a bubble with a monitor that watches.
func watched(t *testing.T, f func(t *testing.T, m *throttle.Monitor), signals ...throttle.Signal) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := throttle.NewMonitor(signals...)
		ready, release := m.Watch(nil)
		defer release()
		<-ready
		f(t, m)
	})
}

func wantPressure(t *testing.T, m *throttle.Monitor, level throttle.Level, reason string) {
	t.Helper()
	if diff := cmp.Diff(throttle.Pressure{Level: level, Reason: reason}, m.Pressure()); diff != "" {
		t.Errorf("Pressure (-want +got):\n%s", diff)
	}
}

func TestALevelRisesAtOnceAndFallsOnceItHasSettled(t *testing.T) {
	t.Parallel()
	g := &gauge{}
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		wantPressure(t, m, throttle.Normal, "")
		g.set(throttle.Stop, "lag 3 s > 2 s")
		passed(time.Second)
		wantPressure(t, m, throttle.Stop, "lag 3 s > 2 s")
		g.set(throttle.Slow, "lag 1 s > 0.5 s")
		passed(2 * time.Second)
		wantPressure(t, m, throttle.Stop, "lag 3 s > 2 s, lower for less than 3 s so far")
		g.set(throttle.Stop, "lag 2.1 s > 2 s") // it comes back in time
		passed(time.Second)
		g.set(throttle.Normal, "")
		passed(2 * time.Second)
		wantPressure(t, m, throttle.Stop, "lag 2.1 s > 2 s, lower for less than 3 s so far")
		passed(time.Second)
		wantPressure(t, m, throttle.Normal, "")
	}, g.signal("lag", throttle.Stop))
}

func TestASignalThatComesAndGoesDoesNotFlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		m := throttle.NewMonitor(g.signal("lag", throttle.Stop))
		var changes atomic.Int32
		_, release := m.Watch(func(throttle.Change) { changes.Add(1) })
		defer release()
		for i := range 100 {
			g.set(throttle.Level(i%2)*throttle.Stop, "lag")
			passed(time.Second)
		}
		if got := changes.Load(); got != 1 {
			t.Errorf("the level changed %d times, want once", got)
		}
	})
}

func TestTheHighestPressureCounts(t *testing.T) {
	t.Parallel()
	a, b, c := &gauge{}, &gauge{}, &gauge{}
	a.set(throttle.Slow, "a")
	b.set(throttle.Critical, "b")
	c.set(throttle.Critical, "c")
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		wantPressure(t, m, throttle.Critical, "b")
	}, a.signal("a", 0), b.signal("b", 0), c.signal("c", 0))
}

func TestWhatIsStaleIsUnknown(t *testing.T) {
	t.Parallel()
	leak := errors.New("row 4711 of anna@example.org")
	tests := map[string]struct {
		do   func(ctx context.Context) error
		want string
	}{
		"error":   {func(context.Context) error { return fmt.Errorf("query: %w", leak) }, "an error of type *errors.errorString"},
		"told":    {func(context.Context) error { return &throttle.UnreadableError{Text: "GRANT pg_monitor", Err: leak} }, "GRANT pg_monitor"},
		"panic":   {func(context.Context) error { panic(leak) }, "panic of type *errors.errorString"},
		"exit":    {func(context.Context) error { runtime.Goexit(); return nil }, "its goroutine ended"},
		"timeout": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "no answer within 2 s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gauge{}
			watched(t, func(t *testing.T, m *throttle.Monitor) {
				g.fail(tt.do)
				passed(5 * time.Second)
				wantPressure(t, m, throttle.Normal, "") // the reading holds still
				passed(time.Second)
				wantPressure(t, m, throttle.Stop, "replica lag is not known since 6 s: "+tt.want)
				g.set(throttle.Normal, "")
				passed(8 * time.Second) // the waits between looks had become longer
				wantPressure(t, m, throttle.Normal, "")
			}, g.signal("replica-lag", throttle.Stop))
		})
	}
}

func TestAReadThatNeverReturnsIsLeftBehindOnce(t *testing.T) {
	t.Parallel()
	g, healthy := &gauge{}, &gauge{}
	healthy.set(throttle.Slow, "it works")
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		back := make(chan struct{})
		g.fail(func(context.Context) error { <-back; return nil })
		passed(time.Hour)
		wantPressure(t, m, throttle.Stop, "lag is not known since 1h0m0s: the look before has not returned")
		if got := g.count(); got != 2 {
			t.Errorf("it was called %d times, want 2: it has not returned", got)
		}
		if got := healthy.count(); got < 3600 {
			t.Errorf("the other signal was read %d times in an hour", got)
		}
		g.set(throttle.Normal, "")
		close(back)
		passed(5 * time.Second)
		wantPressure(t, m, throttle.Slow, "it works")
	}, g.signal("lag", throttle.Stop), healthy.signal("other", throttle.Stop))
}

func TestASignalThatFailsFromTheBeginning(t *testing.T) {
	t.Parallel()
	g := &gauge{}
	g.fail(func(context.Context) error { return &throttle.UnreadableError{Text: "no rights"} })
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		wantPressure(t, m, throttle.Slow, "lag is not known since 0 ms: no rights")
	}, g.signal("lag", throttle.Slow))
	g = &gauge{}
	g.fail(func(context.Context) error { return errors.New("no") })
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		passed(time.Minute)
		wantPressure(t, m, throttle.Normal, "") // by its policy
	}, g.signal("lag", throttle.Normal))
}

func TestReadyWaitsForAllFirstLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fast, slow := &gauge{}, &gauge{}
		slow.fail(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		m := throttle.NewMonitor(fast.signal("fast", 0), slow.signal("slow", 0))
		began := time.Now()
		ready, release := m.Watch(nil)
		defer release()
		<-ready
		if got := time.Since(began); got != 2*time.Second {
			t.Errorf("ready after %s, want 2s: the slow one is given up then", got)
		}
	})
	ready, release := throttle.NewMonitor().Watch(nil)
	<-ready
	release()
}

func TestReadyWaitsUntilTheFirstChangesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, told := &gauge{}, make(chan struct{})
		g.set(throttle.Stop, "full")
		ready, release := throttle.NewMonitor(g.signal("disk", 0)).Watch(func(throttle.Change) { <-told })
		defer release()
		synctest.Wait()
		select {
		case <-ready:
			t.Error("it is ready before it has told what it saw")
		default:
		}
		close(told)
		<-ready
	})
}

func TestNobodyIsAskedWhileNobodyWatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		m := throttle.NewMonitor(g.signal("lag", throttle.Stop))
		passed(time.Hour)
		if got := g.count(); got != 0 {
			t.Errorf("%d looks before anybody watched", got)
		}
		_, one := m.Watch(nil)
		_, other := m.Watch(nil)
		g.set(throttle.Stop, "lag")
		passed(1500 * time.Millisecond)
		one()
		one()
		passed(time.Second)
		wantPressure(t, m, throttle.Stop, "lag")
		other()
		looks := g.count()
		if looks != 3 {
			t.Errorf("%d looks in 2.5 s, want 3: they share the watch", looks)
		}
		wantPressure(t, m, throttle.Normal, "")
		passed(time.Hour)
		if got := g.count(); got != looks {
			t.Errorf("%d looks after the last has left", got-looks)
		}
		g.set(throttle.Normal, "")
		ready, again := m.Watch(nil)
		defer again()
		<-ready
		wantPressure(t, m, throttle.Normal, "") // what was an hour ago is forgotten
	})
}

func TestTheLastReleaseWaitsForTheLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		var returned atomic.Bool
		g.fail(func(ctx context.Context) error {
			<-ctx.Done()
			pass(300 * time.Millisecond)
			returned.Store(true)
			return ctx.Err()
		})
		m := throttle.NewMonitor(g.signal("lag", 0))
		_, release := m.Watch(nil)
		synctest.Wait()
		release()
		if !returned.Load() {
			t.Error("release did not wait for the look")
		}
	})
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		m := throttle.NewMonitor(g.signal("lag", throttle.Slow))
		told := make(chan throttle.Change, 100)
		ready, release := m.Watch(func(c throttle.Change) { told <- c })
		defer release()
		<-ready
		want := func(c throttle.Change) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff(1, len(told)); diff != "" {
				t.Fatalf("changes that were told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c, <-told); diff != "" {
				t.Errorf("the change (-want +got):\n%s", diff)
			}
		}
		g.set(throttle.Critical, "lag 9 s > 8 s")
		passed(10 * time.Second)
		want(throttle.Change{Signal: "lag", Level: throttle.Critical, Reason: "lag 9 s > 8 s", Known: true})
		g.fail(func(context.Context) error { return errors.New("no") })
		passed(20 * time.Second)
		c := <-told
		if c.Known || c.Level != throttle.Slow || c.Was != throttle.Critical || !strings.Contains(c.Reason, "not known") {
			t.Errorf("told %+v; want that it is not known", c)
		}
		g.set(throttle.Normal, "")
		passed(10 * time.Second)
		want(throttle.Change{Signal: "lag", Was: throttle.Slow, Known: true})
	})
}

func TestCriticalEndsWhatIsGuarded(t *testing.T) {
	t.Parallel()
	g := &gauge{}
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		ctx, cancel := m.Guard(t.Context())
		defer cancel()
		over, cancelOver := m.Guard(t.Context())
		cancelOver()
		g.set(throttle.Stop, "lag")
		passed(5 * time.Second)
		if ctx.Err() != nil {
			t.Fatalf("the context ended at the level Stop: %v", context.Cause(ctx))
		}
		g.set(throttle.Critical, "lag")
		passed(time.Second)
		if got := context.Cause(ctx); !errors.Is(got, throttle.ErrCritical) {
			t.Errorf("cause = %v, want ErrCritical", got)
		}
		if got := context.Cause(over); !errors.Is(got, context.Canceled) {
			t.Errorf("cause of the one that was over = %v, want Canceled", got)
		}
		late, cancelLate := m.Guard(t.Context())
		defer cancelLate()
		if got := context.Cause(late); !errors.Is(got, throttle.ErrCritical) {
			t.Errorf("cause of a late one = %v, want ErrCritical at once", got)
		}
	}, g.signal("lag", throttle.Stop))
	ctx, cancel := throttle.NewMonitor(g.signal("lag", 0)).Guard(t.Context())
	if ctx.Err() != nil {
		t.Error("a monitor that nobody uses ended a context")
	}
	cancel()
	if ctx.Err() == nil {
		t.Error("cancel did not end the context")
	}
}

func TestWhatASignalSaysIsOneLine(t *testing.T) {
	t.Parallel()
	g := &gauge{}
	g.set(99, "lag\n\tis "+strings.Repeat("high ", 100))
	watched(t, func(t *testing.T, m *throttle.Monitor) {
		p := m.Pressure()
		if p.Level != throttle.Critical || len(p.Reason) > 160 || !strings.HasPrefix(p.Reason, "lag is high high") {
			t.Errorf("Pressure() = %+v", p)
		}
		g.set(throttle.Critical, "")
		passed(time.Second)
		wantPressure(t, m, throttle.Critical, "replica lag asks for it")
	}, g.signal("replica-lag", 0))
}

func TestMonitorConcurrentSafe(t *testing.T) {
	t.Parallel()
	var signals []throttle.Signal
	for i := range 3 {
		g := &gauge{}
		signals = append(signals, throttle.Signal{Name: fmt.Sprint(i), Every: 10 * time.Microsecond, Settle: 1, Read: func(ctx context.Context) (throttle.Reading, error) {
			g.set(throttle.Level(g.count()%4), "level")
			return g.read(ctx)
		}})
	}
	m := throttle.NewMonitor(signals...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				ready, release := m.Watch(func(throttle.Change) { m.Pressure() })
				<-ready
				ctx, cancel := m.Guard(t.Context())
				if p := m.Pressure(); p.Level > throttle.Normal && p.Reason == "" {
					t.Errorf("Pressure() = %+v", p)
				}
				if ctx.Err() != nil && !errors.Is(context.Cause(ctx), throttle.ErrCritical) {
					t.Errorf("cause = %v", context.Cause(ctx))
				}
				cancel()
				release()
			}
		})
	}
	wg.Wait()
}
