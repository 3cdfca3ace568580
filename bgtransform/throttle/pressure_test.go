package throttle_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func slow(reason string) throttle.Pressure {
	return throttle.Pressure{Level: throttle.Slow, Reason: reason}
}

func TestStopWaitsUntilThePressureIsGone(t *testing.T) {
	t.Parallel()
	for _, level := range []throttle.Level{throttle.Stop, throttle.Critical, 99} {
		synctest.Test(t, func(t *testing.T) {
			p := throttle.New(throttle.Limits{RowsPerSecond: 1})
			p.SetPressure(throttle.Pressure{Level: level, Reason: "replica lag 9 s > 5 s"})
			want := throttle.Pause{For: time.Second, Limit: throttle.Health, Reason: "replica lag 9 s > 5 s"}
			for range 100 {
				if diff := cmp.Diff(want, p.Wait()); diff != "" {
					t.Fatalf("%v: Wait (-want +got):\n%s", level, diff)
				}
				pass(time.Second)
				p.SetPressure(throttle.Pressure{Level: level, Reason: "replica lag 9 s > 5 s"})
			}
			p.SetPressure(throttle.Pressure{})
			if diff := cmp.Diff(throttle.Pause{}, p.Wait()); diff != "" {
				t.Errorf("%v: Wait afterwards (-want +got):\n%s", level, diff)
			}
		})
	}
}

func TestSlowTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{})
		work(p, throttle.Batch{Keys: 500, Took: 90 * time.Millisecond})
		p.SetPressure(slow("lock waits 3 > 2"))
		// A duty cycle of one quarter, for the batch before too.
		want := throttle.Pause{For: 270 * time.Millisecond, Limit: throttle.Health, Reason: "lock waits 3 > 2"}
		if diff := cmp.Diff(want, p.Wait()); diff != "" {
			t.Errorf("Wait (-want +got):\n%s", diff)
		}
		if got := p.Size(); got != 200 {
			t.Errorf("Size() = %d, want 200", got)
		}
	})
}

func TestSlowThatLastsSlowsDownMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{StartBatch: 800})
		for _, want := range []int{400, 400, 200, 200, 100, 100, 100, 100} {
			p.SetPressure(slow("lag")) // the same again and again changes nothing
			if got := p.Size(); got != want {
				t.Errorf("Size() = %d, want %d", got, want)
			}
			pass(2500 * time.Millisecond)
		}
	})
}

func TestThePaceComesBackCarefully(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		level throttle.Level
		lasts time.Duration
		want  []int // every 5 s
	}{
		"a short slow":  {throttle.Slow, time.Second, []int{400, 565, 800, 800}},
		"a long slow":   {throttle.Slow, time.Minute, []int{100, 141, 200, 282, 400, 565, 800, 800}},
		"a stop":        {throttle.Stop, time.Second, []int{100, 141, 200, 282, 400, 565, 800, 800}},
		"critical":      {throttle.Critical, time.Hour, []int{100, 141, 200, 282, 400, 565, 800, 800}},
		"no level at 0": {-1, time.Hour, []int{800}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := throttle.New(throttle.Limits{StartBatch: 800, Duty: 1})
				p.SetPressure(throttle.Pressure{Level: tt.level, Reason: "lag"})
				pass(tt.lasts)
				p.SetPressure(throttle.Pressure{})
				for i, want := range tt.want {
					if got := p.Size(); got != want {
						t.Errorf("Size() after %d s = %d, want %d", 5*i, got, want)
					}
					pass(5 * time.Second)
				}
			})
		})
	}
}

func TestRecoverySaysWhatItRecoversFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{})
		p.SetPressure(slow("lag 3 s"))
		p.SetPressure(throttle.Pressure{})
		work(p, throttle.Batch{Keys: 10, Took: time.Second})
		got := p.Wait()
		if got.Limit != throttle.Health || got.Reason != "recovering after lag 3 s" || got.For < time.Second || got.For > 3*time.Second {
			t.Errorf("Wait() = %+v, want between 1s and 3s, recovering after lag 3 s", got)
		}
		pass(20 * time.Second)
		work(p, throttle.Batch{Keys: 10, Took: time.Second})
		want := throttle.Pause{For: time.Second, Limit: throttle.Duty, Reason: "duty cycle 50 %"}
		if diff := cmp.Diff(want, p.Wait()); diff != "" {
			t.Errorf("Wait once recovered (-want +got):\n%s", diff)
		}
	})
}

func TestPressureThatComesAndGoesSlowsDownMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{StartBatch: 800})
		for range 20 {
			p.SetPressure(slow("lag"))
			pass(time.Second)
			p.SetPressure(throttle.Pressure{})
			pass(time.Second)
		}
		if got := p.Size(); got > 120 {
			t.Errorf("Size() = %d, want 120 at most: every second one was under pressure", got)
		}
	})
}

func TestPressureLeavesTheFloorAndWhatWasLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{MinBatch: 300, StartBatch: 800})
		p.SetPressure(slow("lag"))
		pass(time.Minute)
		if got := p.Size(); got != 300 {
			t.Errorf("Size() = %d, want the floor of 300", got)
		}
		for range 10 { // batches as small as asked for are fast, which says nothing
			work(p, full(p, time.Millisecond))
		}
		p.SetPressure(throttle.Pressure{})
		pass(time.Minute)
		if got := p.Size(); got != 800 {
			t.Errorf("Size() = %d, want 800 as before", got)
		}
		for range 20 {
			p.Shrink()
		}
		p.SetPressure(slow("lag"))
		if got := p.Size(); got != 1 {
			t.Errorf("Size() = %d, want 1: pressure raises nothing", got)
		}
	})
}

func TestRowsPerSecondLimitUnderPressureToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{RowsPerSecond: 100})
		p.SetPressure(slow("lag"))
		work(p, throttle.Batch{Keys: 100, Rows: 100, Took: 10 * time.Millisecond})
		want := throttle.Pause{For: 990 * time.Millisecond, Limit: throttle.Rows, Reason: "rows per second 100"}
		if diff := cmp.Diff(want, p.Wait()); diff != "" {
			t.Errorf("Wait (-want +got):\n%s", diff)
		}
	})
}

func TestPressureWithoutAReason(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{})
	p.SetPressure(throttle.Pressure{Level: throttle.Stop})
	if got, want := p.Wait().Reason, "a health signal says stop"; got != want {
		t.Errorf("Wait().Reason = %q, want %q", got, want)
	}
}

// change is a change of the pressure and how long it lasts.
type change struct {
	level throttle.Level
	lasts time.Duration
}

func TestNoPressureRaisesAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) change {
			return change{
				throttle.Level(rapid.IntRange(0, 3).Draw(rt, "level")),
				time.Duration(rapid.IntRange(0, 20).Draw(rt, "seconds")) * time.Second,
			}
		}), 1, 40).Draw(rt, "changes")
		inBubble(t, rt, func() error { return underPressure(changes) })
	})
}

// underPressure compares a pacer under pressure with one that has none.
func underPressure(changes []change) error {
	eased, free := throttle.New(throttle.Limits{}), throttle.New(throttle.Limits{})
	for _, c := range changes {
		eased.SetPressure(throttle.Pressure{Level: c.level, Reason: "lag"})
		pass(c.lasts)
		b := throttle.Batch{Keys: eased.Size(), Rows: eased.Size(), Took: 80 * time.Millisecond}
		eased.Done(b)
		free.Done(b)
		if size := eased.Size(); size > free.Size() || size < 10 {
			return fmt.Errorf("Size() = %d, want from 10 to %d", size, free.Size())
		}
		if wait := eased.Wait(); wait.For < free.Wait().For || wait.Reason == "" {
			return fmt.Errorf("Wait() = %+v, want %v at least, with a reason", wait, free.Wait().For)
		}
	}
	return nil
}

func TestLevelString(t *testing.T) {
	t.Parallel()
	tests := map[throttle.Level]string{
		throttle.Normal: "normal", throttle.Slow: "slow", throttle.Stop: "stop", throttle.Critical: "critical", 7: "Level(7)",
	}
	for level, want := range tests {
		if got := level.String(); got != want {
			t.Errorf("Level(%d).String() = %q, want %q", int(level), got, want)
		}
	}
}
