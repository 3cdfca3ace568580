package throttle_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// steady returns a pacer whose batches of 100 keys took a second.
func steady() *throttle.Pacer {
	p := throttle.New(throttle.Limits{Target: time.Second, MinBatch: 10, StartBatch: 100, MaxBatch: 100})
	p.Done(throttle.Batch{Keys: 100, Rows: 100, Took: time.Second})
	return p
}

func TestFit(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]int{
		time.Minute:             100,
		time.Second + 1:         100,
		time.Second:             99, // it must end before
		750 * time.Millisecond:  49,
		560 * time.Millisecond:  11,
		540 * time.Millisecond:  0, // eight are fewer than MinBatch
		500 * time.Millisecond:  0,
		0:                       0,
		-500 * time.Millisecond: 0,
	} {
		if got := steady().Fit(left); got != want {
			t.Errorf("Fit(%v) = %d, want %d", left, got, want)
		}
	}
}

func TestFitWithoutABatchIsTheSize(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{StartBatch: 100})
	if got := p.Fit(time.Nanosecond); got != 100 {
		t.Errorf("Fit = %d, want 100", got)
	}
}

// A size that was halved to below MinBatch fits or does not, as it is.
func TestFitBelowTheFloor(t *testing.T) {
	t.Parallel()
	p := steady()
	for p.Size() > 5 {
		p.Shrink()
	}
	size := p.Size()
	if got := p.Fit(time.Minute); got != size {
		t.Errorf("Fit = %d, want %d", got, size)
	}
	if got := p.Fit(550 * time.Millisecond); got != size {
		t.Errorf("Fit = %d, want %d", got, size)
	}
	if got := p.Fit(500 * time.Millisecond); got != 0 {
		t.Errorf("Fit = %d, want 0", got)
	}
}

// Fit never exceeds the size, and more time never fits fewer keys.
func TestFitGrowsWithTheTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := throttle.New(throttle.Limits{})
		for range rapid.IntRange(0, 20).Draw(rt, "batches") {
			keys := rapid.IntRange(1, p.Size()).Draw(rt, "keys")
			p.Done(throttle.Batch{Keys: keys, Rows: keys, Took: time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "took"))})
		}
		short := time.Duration(rapid.Int64Range(-int64(time.Second), int64(time.Minute)).Draw(rt, "short"))
		long := short + time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "more"))
		a, b := p.Fit(short), p.Fit(long)
		if a > b || b > p.Size() || a < 0 {
			rt.Fatalf("Fit(%v) = %d, Fit(%v) = %d, of %d", short, a, long, b, p.Size())
		}
	})
}

func TestForget(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{StartBatch: 100})
	for range 4 {
		p.Done(throttle.Batch{Keys: p.Size(), Rows: p.Size(), Took: time.Millisecond})
	}
	if p.Size() <= 100 {
		t.Fatalf("Size() = %d, want it grown", p.Size())
	}
	p.Forget()
	if p.Size() != 100 || p.Predict() != 0 {
		t.Errorf("Size() = %d, Predict() = %v, want 100 and nothing", p.Size(), p.Predict())
	}
	p.Shrink()
	p.Forget()
	if p.Size() != 50 {
		t.Errorf("Size() = %d, want 50: what was made smaller stays so", p.Size())
	}
}
