package throttle_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// full returns a batch that covered all keys that p allowed.
func full(p *throttle.Pacer, took time.Duration) throttle.Batch {
	return throttle.Batch{Keys: p.Size(), Rows: p.Size(), Took: took}
}

func TestSizeFollowsTarget(t *testing.T) {
	t.Parallel()
	const target = 100 * time.Millisecond
	tests := map[string]struct {
		keys int
		took time.Duration
		want int
	}{
		"far too fast grows by one half":      {1000, time.Millisecond, 1500},
		"no time at all grows by one half":    {1000, 0, 1500},
		"a little too fast aims below target": {1000, 70 * time.Millisecond, 1285},
		"at the low edge stays":               {1000, 75 * time.Millisecond, 1000},
		"at the target stays":                 {1000, target, 1000},
		"a little slow shrinks a little":      {1000, 101 * time.Millisecond, 891},
		"twice too slow":                      {1000, 2 * target, 450},
		"far too slow shrinks at once":        {1000, 10 * target, 90},
		"not below the floor":                 {1000, 1000 * target, 10},
		"fast but not full stays":             {999, time.Millisecond, 1000},
		"slow and not full shrinks to less":   {100, 2 * target, 45},
		"given up stays":                      {0, 1000 * target, 1000},
		"negative keys are none":              {-5, 1000 * target, 1000},
		"late news of a larger batch":         {2000, 2 * target, 900},
		"late news raises nothing":            {4000, 2 * target, 1000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := throttle.New(throttle.Limits{Target: target, StartBatch: 1000})
			p.Done(throttle.Batch{Keys: tt.keys, Took: tt.took})
			if got := p.Size(); got != tt.want {
				t.Errorf("Size() = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestSizeFollowsTheDatabaseAndAtAPaceTheCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		batch throttle.Batch
		want  int
	}{
		"waits for a connection":    {throttle.Batch{Took: 10 * time.Millisecond, Waited: time.Minute}, 1500},
		"code of half the time":     {throttle.Batch{Took: 10 * time.Millisecond, Code: 250 * time.Millisecond}, 1500},
		"code that is long enough":  {throttle.Batch{Took: 10 * time.Millisecond, Code: 450 * time.Millisecond}, 1000},
		"code that takes too long":  {throttle.Batch{Took: 10 * time.Millisecond, Code: time.Second}, 450},
		"code, and a slow database": {throttle.Batch{Took: 200 * time.Millisecond, Code: 600 * time.Millisecond}, 450},
	}
	for name, tt := range tests {
		p := throttle.New(throttle.Limits{StartBatch: 1000})
		tt.batch.Keys = 1000
		p.Done(tt.batch)
		if got := p.Size(); got != tt.want {
			t.Errorf("%s: Size() = %d, want %d", name, got, tt.want)
		}
	}
}

func TestSizeIsAtMostOneSecondOfRows(t *testing.T) {
	t.Parallel()
	tests := map[float64]int{0.001: 1, 1: 1, 7.9: 7, 300: 300, 1e9: 400}
	for rate, want := range tests {
		p := throttle.New(throttle.Limits{RowsPerSecond: rate})
		if got := p.Size(); got != want {
			t.Errorf("Size() at %v rows per second = %d, want %d", rate, got, want)
		}
	}
}

func TestShrinkGoesBelowTheFloorAndGrowsBack(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{MinBatch: 20, StartBatch: 50})
	for _, want := range []int{25, 12, 6, 3, 1, 1} {
		p.Shrink()
		if got := p.Size(); got != want {
			t.Fatalf("Size() after Shrink = %d, want %d", got, want)
		}
	}
	p.Done(full(p, time.Hour))
	if got := p.Size(); got != 1 {
		t.Fatalf("Size() after a slow batch of 1 key = %d, want 1", got)
	}
	for _, want := range []int{1, 1, 1, 2, 3, 5, 8, 12, 18, 27} { // first, the slow one is forgotten
		p.Done(full(p, time.Millisecond))
		if got := p.Size(); got != want {
			t.Fatalf("Size() after a fast batch = %d, want %d", got, want)
		}
	}
}

func TestSmallSizesDoNotSwing(t *testing.T) {
	t.Parallel()
	const perKey = 40 * time.Millisecond // so two keys are right, three too slow
	p := throttle.New(throttle.Limits{MinBatch: 1, StartBatch: 1})
	for i := range 20 {
		p.Done(full(p, time.Duration(p.Size())*perKey))
		if got := p.Size(); got != 2 {
			t.Fatalf("Size() after %d batches = %d, want 2", i+1, got)
		}
	}
}

func TestSetLimitsMovesTheSize(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(p *throttle.Pacer)
		limits  throttle.Limits
		want    int
	}{
		"start counts before the first batch": {func(*throttle.Pacer) {}, throttle.Limits{StartBatch: 70}, 70},
		"start does not count afterwards": {
			func(p *throttle.Pacer) { p.Done(full(p, 90*time.Millisecond)) }, throttle.Limits{StartBatch: 70}, 400,
		},
		"a lower ceiling": {
			func(p *throttle.Pacer) { p.Done(full(p, 90*time.Millisecond)) }, throttle.Limits{MaxBatch: 100}, 100,
		},
		"a higher floor": {
			func(p *throttle.Pacer) { p.Done(full(p, 90*time.Millisecond)) }, throttle.Limits{MinBatch: 1000}, 1000,
		},
		"a floor does not undo Shrink": {
			func(p *throttle.Pacer) {
				for range 10 {
					p.Shrink()
				}
			}, throttle.Limits{MinBatch: 1000}, 1,
		},
		"fewer rows per second": {
			func(p *throttle.Pacer) { p.Done(full(p, 90*time.Millisecond)) }, throttle.Limits{RowsPerSecond: 5}, 5,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := throttle.New(throttle.Limits{})
			tt.prepare(p)
			p.SetLimits(tt.limits)
			if got := p.Size(); got != tt.want {
				t.Errorf("Size() = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestSizeGrowsAgainAfterTheRateIsLifted(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{RowsPerSecond: 100})
	for range 20 {
		p.Done(full(p, time.Millisecond))
	}
	p.SetLimits(throttle.Limits{})
	if got := p.Size(); got != 100 {
		t.Errorf("Size() = %d, want 100: nothing is known of larger batches", got)
	}
	p.Done(full(p, time.Millisecond))
	if got := p.Size(); got != 150 {
		t.Errorf("Size() after a fast batch = %d, want 150", got)
	}
}

func TestSizeStaysWithinBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limits := drawLimits(rt)
		p := throttle.New(limits)
		shrunk := false
		for range rapid.IntRange(1, 60).Draw(rt, "batches") {
			before := p.Size()
			switch rapid.SampledFrom([]string{"done", "done", "done", "shrink", "limits"}).Draw(rt, "what") {
			case "shrink":
				p.Shrink()
				shrunk = true
			case "limits":
				limits = drawLimits(rt)
				p.SetLimits(limits)
			default:
				p.Done(drawBatch(rt, before))
				if most := int(math.Ceil(1.5 * float64(before))); p.Size() > most {
					rt.Fatalf("Size() went from %d to %d, want %d at most", before, p.Size(), most)
				}
			}
			checkSize(rt, p, limits, shrunk)
			checkPause(rt, p.Wait())
			if got := p.Predict(); got < 0 {
				rt.Fatalf("Predict() = %v", got)
			}
		}
	})
}

func checkSize(rt *rapid.T, p *throttle.Pacer, limits throttle.Limits, shrunk bool) {
	most := limits.MaxBatch
	if limits.RowsPerSecond > 0 {
		most = int(min(float64(most), max(1, math.Floor(limits.RowsPerSecond))))
	}
	least := min(limits.MinBatch, most)
	if shrunk {
		least = 1
	}
	if got := p.Size(); got < least || got > most {
		rt.Fatalf("Size() = %d, want %d to %d", got, least, most)
	}
}

func checkPause(rt *rapid.T, pause throttle.Pause) {
	if pause.For < 0 || pause.For > 48*time.Hour {
		rt.Fatalf("Wait() = %v", pause)
	}
	if waits := pause.For > 0; waits != (pause.Limit != throttle.None) || waits != (pause.Reason != "") {
		rt.Fatalf("Wait() = %+v, want a limit and a reason exactly if there is a wait", pause)
	}
}

// drawLimits draws limits that are valid and complete.
func drawLimits(rt *rapid.T) throttle.Limits {
	return throttle.Limits{
		Duty:          rapid.OneOf(rapid.Just(0.0), rapid.Just(1.0), rapid.Float64Range(1e-300, 1)).Draw(rt, "duty"),
		RowsPerSecond: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1, 1e5), rapid.Float64Range(1e-300, 1e300)).Draw(rt, "rate"),
		Target:        time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(rt, "target")),
		MinBatch:      rapid.IntRange(0, 100).Draw(rt, "min"),
		StartBatch:    rapid.IntRange(0, 2000).Draw(rt, "start"),
		MaxBatch:      rapid.IntRange(0, 20000).Draw(rt, "max"),
		MaxRows:       rapid.OneOf(rapid.Just(0), rapid.IntRange(100, 20000)).Draw(rt, "most rows"),
	}.WithDefaults()
}

func drawBatch(rt *rapid.T, size int) throttle.Batch {
	return throttle.Batch{
		Keys: rapid.OneOf(rapid.Just(size), rapid.IntRange(0, size), rapid.Int()).Draw(rt, "keys"),
		Rows: rapid.OneOf(rapid.Just(size), rapid.IntRange(0, size), rapid.Int()).Draw(rt, "rows changed"),
		Took: time.Duration(rapid.OneOf(rapid.Int64Range(0, int64(time.Second)), rapid.Int64()).Draw(rt, "took")),
	}
}
