package throttle_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// pass lets d of a bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }

// work lets a batch take its time, and reports it.
func work(p *throttle.Pacer, b throttle.Batch) {
	pass(b.Took + b.Code + b.Waited)
	p.Done(b)
}

func TestFirstBatchStartsAtOnce(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{Duty: 0.01, RowsPerSecond: 0.01})
	if diff := cmp.Diff(throttle.Pause{}, p.Wait()); diff != "" {
		t.Errorf("Wait (-want +got):\n%s", diff)
	}
	if got := p.Predict(); got != 0 {
		t.Errorf("Predict() = %v, want 0 for unknown", got)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits throttle.Limits
		batch  throttle.Batch
		want   throttle.Pause
	}{
		"default duty rests as long as the batch took": {
			throttle.Limits{},
			throttle.Batch{Keys: 500, Rows: 500, Took: 80 * time.Millisecond},
			throttle.Pause{For: 80 * time.Millisecond, Limit: throttle.Duty, Reason: "duty cycle 50 %"},
		},
		"a fifth": {
			throttle.Limits{Duty: 0.2},
			throttle.Batch{Keys: 500, Rows: 500, Took: 80 * time.Millisecond},
			throttle.Pause{For: 320 * time.Millisecond, Limit: throttle.Duty, Reason: "duty cycle 20 %"},
		},
		"an eighth": {
			throttle.Limits{Duty: 0.125},
			throttle.Batch{Keys: 500, Took: 80 * time.Millisecond},
			throttle.Pause{For: 560 * time.Millisecond, Limit: throttle.Duty, Reason: "duty cycle 12.5 %"},
		},
		"full duty": {
			throttle.Limits{Duty: 1}, throttle.Batch{Keys: 500, Rows: 500, Took: 80 * time.Millisecond}, throttle.Pause{},
		},
		"rows count from the start of the batch": {
			throttle.Limits{RowsPerSecond: 2000},
			throttle.Batch{Keys: 500, Rows: 500, Took: 80 * time.Millisecond},
			throttle.Pause{For: 170 * time.Millisecond, Limit: throttle.Rows, Reason: "rows per second 2000"},
		},
		"duty is stricter than rows": {
			throttle.Limits{RowsPerSecond: 1e6},
			throttle.Batch{Keys: 500, Rows: 500, Took: 80 * time.Millisecond},
			throttle.Pause{For: 80 * time.Millisecond, Limit: throttle.Duty, Reason: "duty cycle 50 %"},
		},
		"rows that are not changed are free": {
			throttle.Limits{RowsPerSecond: 1},
			throttle.Batch{Keys: 500, Rows: 0, Took: 80 * time.Millisecond},
			throttle.Pause{For: 80 * time.Millisecond, Limit: throttle.Duty, Reason: "duty cycle 50 %"},
		},
		"a batch that was given up rests too": {
			throttle.Limits{},
			throttle.Batch{Took: 30 * time.Second},
			throttle.Pause{For: 30 * time.Second, Limit: throttle.Duty, Reason: "duty cycle 50 %"},
		},
		"less than one row a second": {
			throttle.Limits{RowsPerSecond: 0.25},
			throttle.Batch{Keys: 1, Rows: 1, Took: time.Second},
			throttle.Pause{For: 3 * time.Second, Limit: throttle.Rows, Reason: "rows per second 0.25"},
		},
		"no limit makes a wait without end": {
			throttle.Limits{Duty: math.SmallestNonzeroFloat64},
			throttle.Batch{Keys: 1, Rows: 1, Took: time.Second},
			throttle.Pause{For: 24 * time.Hour, Limit: throttle.Duty, Reason: "duty cycle 4.94e-322 %"},
		},
		"the user's code counts, a wait for a connection does not": {
			throttle.Limits{},
			throttle.Batch{Keys: 500, Rows: 500, Took: 80 * time.Millisecond, Code: 40 * time.Millisecond, Waited: time.Second},
			throttle.Pause{For: 120 * time.Millisecond, Limit: throttle.Duty, Reason: "duty cycle 50 %"},
		},
		"rows count from the start, whatever the time was for": {
			throttle.Limits{RowsPerSecond: 500, Duty: 1},
			throttle.Batch{Keys: 500, Rows: 500, Took: 100 * time.Millisecond, Code: 100 * time.Millisecond, Waited: 100 * time.Millisecond},
			throttle.Pause{For: 700 * time.Millisecond, Limit: throttle.Rows, Reason: "rows per second 500"},
		},
		"no measurable time": {throttle.Limits{}, throttle.Batch{Keys: 1, Rows: 1}, throttle.Pause{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := throttle.New(tt.limits)
				work(p, tt.batch)
				if diff := cmp.Diff(tt.want, p.Wait()); diff != "" {
					t.Fatalf("Wait (-want +got):\n%s", diff)
				}
				pass(tt.want.For)
				if diff := cmp.Diff(throttle.Pause{}, p.Wait()); diff != "" {
					t.Errorf("Wait afterwards (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWaitCountsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{})
		work(p, throttle.Batch{Keys: 1, Took: time.Second})
		for _, want := range []time.Duration{1000, 700, 400, 100, 0} {
			if got := p.Wait().For; got != want*time.Millisecond {
				t.Errorf("Wait().For = %v, want %v", got, want*time.Millisecond)
			}
			pass(300 * time.Millisecond)
		}
	})
}

func TestSetLimitsChangesAWaitThatHasBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{RowsPerSecond: 1})
		work(p, throttle.Batch{Keys: 500, Rows: 3600, Took: time.Second})
		if got, want := p.Wait().For, time.Hour-time.Second; got != want {
			t.Errorf("Wait().For = %v, want %v", got, want)
		}
		p.SetLimits(throttle.Limits{RowsPerSecond: 1000, Duty: 1})
		if got, want := p.Wait().For, 2600*time.Millisecond; got != want {
			t.Errorf("Wait().For at a higher rate = %v, want %v", got, want)
		}
		p.SetLimits(throttle.Limits{Duty: 0.1})
		if got, want := p.Wait().For, 9*time.Second; got != want {
			t.Errorf("Wait().For at a lower duty = %v, want %v", got, want)
		}
	})
}

func TestNewLimitsDoNotChargeTheBatchUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{})
		work(p, throttle.Batch{Keys: 1, Took: time.Second})
		pass(p.Wait().For)
		p.SetLimits(throttle.Limits{Duty: 0.1}) // the next batch has started
		work(p, throttle.Batch{Keys: 1, Took: time.Second})
		if got, want := p.Wait().For, 9*time.Second; got != want {
			t.Errorf("Wait().For = %v, want %v", got, want)
		}
	})
}

func TestBatchesThatDoNotWaitAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{RowsPerSecond: 100, Duty: 1})
		for range 3 {
			work(p, throttle.Batch{Keys: 100, Rows: 100, Took: 100 * time.Millisecond})
		}
		if got, want := p.Wait().For, 2700*time.Millisecond; got != want {
			t.Errorf("Wait().For = %v, want %v", got, want)
		}
		p = throttle.New(throttle.Limits{Duty: 0.25})
		for range 3 {
			work(p, throttle.Batch{Keys: 100, Took: 100 * time.Millisecond})
		}
		if got, want := p.Wait().For, 900*time.Millisecond; got != want {
			t.Errorf("Wait().For = %v, want %v", got, want)
		}
	})
}

func TestIdleTimeIsNotSavedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{RowsPerSecond: 100, Duty: 1})
		work(p, throttle.Batch{Keys: 100, Rows: 100, Took: 0})
		pass(time.Hour)
		work(p, throttle.Batch{Keys: 100, Rows: 100, Took: 0})
		if got := p.Wait().For; got != time.Second {
			t.Errorf("Wait().For = %v, want 1s", got)
		}
	})
}

// inBubble calls f in a bubble of its own and fails rt, outside of it, with the
// error of f.
func inBubble(t *testing.T, rt *rapid.T, f func() error) {
	t.Helper()
	var err error
	synctest.Test(t, func(*testing.T) { err = f() })
	if err != nil {
		rt.Fatal(err)
	}
}

func TestLimitsHoldOverALongRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limits := throttle.Limits{
			Duty:          rapid.Float64Range(0.01, 1).Draw(rt, "duty"),
			RowsPerSecond: rapid.Float64Range(1, 1e6).Draw(rt, "rate"),
		}
		dense := rapid.Float64Range(0, 1).Draw(rt, "share of rows that change")
		perKey := time.Duration(rapid.IntRange(1, 1000).Draw(rt, "microseconds per key")) * time.Microsecond
		ahead := rapid.Bool().Draw(rt, "reads ahead")
		inBubble(t, rt, func() error { return longRun(limits, dense, perKey, ahead) })
	})
}

// longRun runs 300 batches and compares what they used with limits.
func longRun(limits throttle.Limits, dense float64, perKey time.Duration, ahead bool) error {
	p := throttle.New(limits)
	began := time.Now()
	var busy time.Duration
	rows := 0
	for range 300 {
		keys := p.Size()
		b := throttle.Batch{Keys: keys, Rows: int(float64(keys) * dense), Took: time.Duration(keys) * perKey}
		busy, rows = busy+b.Took, rows+b.Rows
		wait := p.Wait().For
		if ahead {
			// A fifth of the batch is a read that overlaps with the wait.
			wait = max(0, wait-b.Took/5)
		}
		pass(wait)
		work(p, b)
	}
	pass(p.Wait().For)
	took := time.Since(began).Seconds()
	duty, rate := busy.Seconds()/took, float64(rows)/took
	if duty > limits.Duty*1.001 || rate > limits.RowsPerSecond*1.001 {
		return fmt.Errorf("duty %.5f, %.2f rows per second; limits are %+v", duty, rate, limits)
	}
	if !ahead && duty < limits.Duty*0.99 && rate < limits.RowsPerSecond*0.99 {
		return fmt.Errorf("duty %.5f, %.2f rows per second: both are more than 1 %% below %+v", duty, rate, limits)
	}
	return nil
}

func TestLimitedAlwaysSaysWhat(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits throttle.Limits
		batch  throttle.Batch
		limit  throttle.Limit
		reason string
	}{
		"nothing is known":     {throttle.Limits{}, throttle.Batch{}, throttle.Target, "the database's speed, in batches of about 100ms"},
		"a rest":               {throttle.Limits{}, throttle.Batch{Keys: 500, Took: time.Second}, throttle.Duty, "duty cycle 50 %"},
		"no rest":              {throttle.Limits{Duty: 1, Target: time.Second}, throttle.Batch{Keys: 500, Took: time.Second}, throttle.Target, "the database's speed, in batches of about 1s"},
		"as large as they may": {throttle.Limits{Duty: 1, MaxBatch: 500}, throttle.Batch{Keys: 500}, throttle.Size, "batches of 500 keys at most"},
		"rows that change": {
			throttle.Limits{Duty: 1},
			throttle.Batch{Keys: 400, Rows: 390, Took: time.Millisecond},
			throttle.Size, "batches that change about 400 rows at most",
		},
		"far too many rows, and slow for it": {
			throttle.Limits{Duty: 1, StartBatch: 10_000, MaxRows: 400},
			throttle.Batch{Keys: 10_000, Rows: 10_000, Took: 300 * time.Millisecond},
			throttle.Size, "batches that change about 400 rows at most",
		},
		"rows that change, and a slow database": {
			throttle.Limits{Duty: 1},
			throttle.Batch{Keys: 400, Rows: 390, Took: 99 * time.Millisecond},
			throttle.Target, "the database's speed, in batches of about 100ms",
		},
		"a rate bounds the size": {throttle.Limits{Duty: 1, RowsPerSecond: 500}, throttle.Batch{Keys: 500}, throttle.Rows, "rows per second 500"},
		"a rate":                 {throttle.Limits{Duty: 1, RowsPerSecond: 100}, throttle.Batch{Keys: 100, Rows: 100}, throttle.Rows, "rows per second 100"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := throttle.New(tt.limits)
				work(p, tt.batch)
				if limit, reason := p.Limited(); limit != tt.limit || reason != tt.reason {
					t.Errorf("Limited() = %v, %q; want %v, %q", limit, reason, tt.limit, tt.reason)
				}
				p.SetPressure(slow("lag 3 s"))
				p.SetPressure(throttle.Pressure{})
				pass(5 * time.Second)
				if limit, reason := p.Limited(); limit != throttle.Health || reason != "recovering after lag 3 s" {
					t.Errorf("Limited() while it recovers = %v, %q", limit, reason)
				}
			})
		})
	}
}

func TestLimitString(t *testing.T) {
	t.Parallel()
	tests := map[throttle.Limit]string{
		throttle.None: "none", throttle.Duty: "duty", throttle.Rows: "rows", throttle.Health: "health", throttle.Size: "size", throttle.Target: "target", 7: "Limit(7)",
	}
	for limit, want := range tests {
		if got := limit.String(); got != want {
			t.Errorf("Limit(%d).String() = %q, want %q", int(limit), got, want)
		}
	}
}
