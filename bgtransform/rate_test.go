package bgtransform

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func TestRateSurvivesAttempts(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	walk := func(r *rate, batches, keys int, every time.Duration) {
		for range batches {
			now = now.Add(every)
			r.add(keys, now)
		}
	}
	var r rate
	walk(&r, 1, 1_000_000, time.Second)
	if r.secs != 0 {
		t.Errorf("after the first batch the rate is %v keys in %v s; nobody knows when it began", r.keys, r.secs)
	}
	walk(&r, 100, 500, time.Second)
	if got := r.keys / r.secs; math.Abs(got-500) > 1 {
		t.Errorf("500 keys each second are %v a second", got)
	}

	// Another attempt begins ten hours later, with a batch on cold caches.
	again := rateOf(store.Range{RowsPerSec: r.keys / r.secs, RatedSecs: r.secs})
	now = now.Add(10 * time.Hour)
	walk(&again, 1, 500, time.Minute)
	walk(&again, 3, 500, time.Second)
	if got := again.keys / again.secs; math.Abs(got-500) > 1 {
		t.Errorf("after a night outside the window the rate is %v a second, want 500 still", got)
	}
	walk(&again, 1000, 250, time.Second)
	if got := again.keys / again.secs; math.Abs(got-250) > 1 {
		t.Errorf("after a quarter of an hour at 250 a second the rate is %v", got)
	}
	walk(&again, 1, 250, time.Hour) // a throttle that stopped the work
	walk(&again, 600, 250, time.Second)
	if got := again.keys / again.secs; got < 240 {
		t.Errorf("ten minutes after a stop of an hour the rate is %v a second, want about 250", got)
	}
}

// What an operator changes is seen in the rate within seconds.
func TestRateForgetsOtherLimits(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	r := rate{limits: throttle.Limits{RowsPerSecond: 1000}}
	for i, limit := range []float64{1000, 100} {
		for range 100 - 80*i {
			now = now.Add(time.Second)
			r.adapt(throttle.Limits{RowsPerSecond: limit})
			r.add(int(limit), now)
		}
	}
	if got := r.keys / r.secs; got > 200 {
		t.Errorf("20 s after the limit was set from 1000 to 100 the rate is %v", got)
	}
}

// Whatever the estimates say, the share that is shown stays below the whole, and
// goes back only where the table turns out to be much larger.
func TestShareNeverPassesTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := store.Range{Pass: 1, Remaining: -1}
		was := 0.0
		for range rapid.IntRange(1, 200).Draw(t, "batches") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				newPass(&r)
			case 1:
				r.FoundInPass++
			default:
				r.KeysInPass += int64(rapid.IntRange(1, 1000).Draw(t, "keys"))
				r.Remaining = int64(rapid.IntRange(-1, 2000).Draw(t, "remaining"))
			}
			r.Share = shown(r.Share, shareOf(r))
			if r.Share < 0 || r.Share >= 1 {
				t.Fatalf("%+v has a share of %v", r, r.Share)
			}
			if r.Share < was && was-r.Share <= slip {
				t.Fatalf("the share went from %v to %v", was, r.Share)
			}
			was = r.Share
		}
	})
	for _, tc := range []struct {
		r    store.Range
		want float64
	}{
		{store.Range{Pass: 1, KeysInPass: 50, Remaining: 50, FoundInPass: 1}, 0.45},
		{store.Range{Pass: 1, KeysInPass: 100}, 0.9},
		{store.Range{Pass: 2, KeysInPass: 50, Remaining: 50}, 0.95},
		{store.Range{Pass: 2, KeysInPass: 100}, almost},
		{store.Range{Pass: 2, KeysInPass: 100, FoundInPass: 1}, 0.95},
		{store.Range{Pass: 3, Remaining: 100}, 0.95},
		{store.Range{Pass: 1, Mode: store.ModeRevert, KeysInPass: 50, Remaining: 50}, 0.5},
		{store.Range{Pass: 1, KeysInPass: 50, Remaining: -1}, -1},
	} {
		if got := shareOf(tc.r); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%+v has a share of %v, want %v", tc.r, got, tc.want)
		}
	}
}
