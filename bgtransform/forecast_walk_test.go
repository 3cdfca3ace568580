package bgtransform

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// simulate works batch by batch, and knows of the window only whether it is open in a
// minute: it is what walkWindows is held against.
func simulate(w window.Window, at time.Time, work workload) (finish time.Time, windows int, ok bool) {
	for end := at.Add(15 * 24 * time.Hour); at.Before(end); {
		if !w.Contains(at) {
			at = minuteAfter(at)
			continue
		}
		closes := minuteAfter(at)
		for w.Contains(closes) {
			closes = minuteAfter(closes)
		}
		for worked := false; at.Add(work.batch).Before(closes); at = at.Add(work.every) {
			if !worked {
				worked = true
				windows++
			}
			if work.left <= work.every {
				return at.Add(work.left), windows, true
			}
			work.left -= work.every
		}
		at = closes
	}
	return time.Time{}, 0, false
}

func minuteAfter(t time.Time) time.Time { return t.Truncate(time.Minute).Add(time.Minute) }

func TestForecastWalksThroughWindowsAsBatchesDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var text string
		for i := range rapid.IntRange(1, 2).Draw(t, "parts") {
			if i > 0 {
				text += "; "
			}
			text += fmt.Sprintf("%d %d * * %s for %dm in %s",
				rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 23).Draw(t, "hour"),
				rapid.SampledFrom([]string{"*", "1-5", "0,6", "3"}).Draw(t, "weekday"),
				rapid.IntRange(1, 120).Draw(t, "minutes"), rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York"}).Draw(t, "zone"))
		}
		w := window.MustParse(text)
		from := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 20*24*3600).Draw(t, "from")) * time.Second)
		work := workload{
			left:  time.Duration(rapid.IntRange(1, 3*3600).Draw(t, "left")) * time.Second,
			batch: time.Duration(rapid.IntRange(0, 300).Draw(t, "batch")) * time.Second,
		}
		work.every = work.batch + time.Duration(rapid.IntRange(1, 300).Draw(t, "rest"))*time.Second
		want, wantWindows, ok := simulate(w, from, work)
		if !ok {
			t.Skip("not within the weeks that are simulated")
		}
		got, windows, ok := walkWindows(w, from, work)
		// The last batch's pause may lie behind the window's end; its work does not.
		if late := want.Sub(got); !ok || windows != wantWindows || late < 0 || late > work.every {
			t.Errorf("%q: %+v from %s is done at %s in %d windows (%v), simulated: %s in %d", text, work, from, got.UTC(), windows, ok, want.UTC(), wantWindows)
		}
	})
}

func TestForecastWithoutEnd(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, window string
		work         workload
	}{
		{"never opens", "never", workload{left: time.Minute}},
		{"no batch fits", "0 22 * * * for 1m in UTC", workload{left: time.Minute, batch: 2 * time.Minute, every: 2 * time.Minute}},
	} {
		if at, _, ok := walkWindows(window.MustParse(tc.window), from, tc.work); ok {
			t.Errorf("%s: done at %s, want never", tc.name, at)
		}
	}
	if at, windows, ok := walkWindows(window.Always(), from, workload{left: time.Hour}); !ok || windows != 0 || !at.Equal(from.Add(time.Hour)) {
		t.Errorf("without a window: done at %s in %d windows (%v), want an hour later in none", at, windows, ok)
	}
}
