package backoff_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
)

func TestNextStaysBetweenHalfAndAllOfTheStep(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Min: 100 * time.Millisecond, Max: 3 * time.Second}
	for i, step := range []time.Duration{100, 200, 400, 800, 1600, 3000, 3000, 3000} {
		step *= time.Millisecond
		if got := b.Next(); got < step/2 || got > step {
			t.Errorf("wait %d is %s, want from %s to %s", i+1, got, step/2, step)
		}
		if b.Tries() != i+1 {
			t.Errorf("Tries() = %d after %d waits", b.Tries(), i+1)
		}
	}
	b.Reset()
	if got := b.Next(); got > b.Min || b.Tries() != 1 {
		t.Errorf("after Reset the wait is %s (try %d), want at most %s (try 1)", got, b.Tries(), b.Min)
	}
}

func TestNextIsBoundedForAnyConfigurationAndAnyNumberOfTries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minimum := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "min"))
		maximum := time.Duration(rapid.Int64Range(int64(minimum), math.MaxInt64).Draw(t, "max"))
		b := backoff.Backoff{Min: minimum, Max: maximum}
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			if got := b.Next(); got < minimum/2 || got > maximum {
				t.Fatalf("try %d waits %s, want from %s to %s", b.Tries(), got, minimum/2, maximum)
			}
		}
	})
}

func TestNextDoesNotOverflow(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Min: 1<<61 + 1, Max: math.MaxInt64}
	for range 5 {
		if got := b.Next(); got < b.Min/2 {
			t.Errorf("try %d waits %s, want at least half of Min", b.Tries(), got)
		}
	}
}

func TestZeroBackoffWaitsForNothing(t *testing.T) {
	t.Parallel()
	var b backoff.Backoff
	for range 40 {
		if got := b.Next(); got != 0 {
			t.Fatalf("the zero Backoff waits %s", got)
		}
	}
}

func TestJitterSpreadsOverTheUpperHalf(t *testing.T) {
	t.Parallel()
	const step = time.Second
	low, high := step, time.Duration(0)
	for range 2000 {
		d := backoff.Jitter(step)
		if d < step/2 || d > step {
			t.Fatalf("Jitter(%s) = %s, want from %s to %s", step, d, step/2, step)
		}
		low, high = min(low, d), max(high, d)
	}
	if high-low < step/4 {
		t.Errorf("2000 jitters of %s lie between %s and %s: a pool would try in step", step, low, high)
	}
	for _, d := range []time.Duration{-time.Second, 0, 1} {
		if got := backoff.Jitter(d); got != d {
			t.Errorf("Jitter(%d) = %d, want it unchanged", d, got)
		}
	}
	if got := backoff.Jitter(math.MaxInt64); got < math.MaxInt64/2 {
		t.Errorf("Jitter(MaxInt64) = %s overflowed", got)
	}
}

func TestSleepWaitsExactlyThatLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := backoff.Sleep(t.Context(), time.Hour); err != nil {
			t.Errorf("Sleep = %v, want nil", err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("Sleep(1h) took %s", took)
		}
	})
}

func TestSleepEndsWithTheContextAndSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the window closed")
		ctx, cancel := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(time.Minute, func() { cancel(cause) })
		defer timer.Stop()
		start := time.Now()
		if err := backoff.Sleep(ctx, time.Hour); !errors.Is(err, cause) {
			t.Errorf("Sleep = %v, want the cause", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("Sleep went on for %s after the context ended", took-time.Minute)
		}
	})
}

func TestSleepForNothing(t *testing.T) {
	t.Parallel()
	cause := errors.New("stopped")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, d := range []time.Duration{-time.Second, 0} {
		if err := backoff.Sleep(t.Context(), d); err != nil {
			t.Errorf("Sleep(%s) = %v, want nil", d, err)
		}
		if err := backoff.Sleep(ended, d); !errors.Is(err, cause) {
			t.Errorf("Sleep(%s) in an ended context = %v, want its cause", d, err)
		}
	}
}
