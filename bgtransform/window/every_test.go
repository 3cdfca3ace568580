package window_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

func TestEvery(t *testing.T) {
	t.Parallel()
	w := window.MustParse("every 20s for 5s")
	minute := at(t, "2026-12-24 12:34 +0530")
	for after, want := range map[time.Duration]time.Duration{0: 5, 4999 * time.Millisecond: 5, 20 * time.Second: 25, 40 * time.Second: 45} {
		if got, ok := w.Closes(minute.Add(after)); !ok || !got.Equal(minute.Add(want*time.Second)) {
			t.Errorf("Closes %v after the minute = %v, %v, want second %d", after, got, ok, want)
		}
	}
	for after, want := range map[time.Duration]time.Duration{5 * time.Second: 20, 59 * time.Second: 60} {
		if w.Contains(minute.Add(after)) {
			t.Errorf("open %v after the minute", after)
		}
		if got, ok := w.Next(minute.Add(after)); !ok || !got.Equal(minute.Add(want*time.Second)) {
			t.Errorf("Next %v after the minute = %v, %v, want second %d", after, got, ok, want)
		}
	}
}

// It knows of no clock changes: each hour counts, also one that is skipped or repeated.
func TestEveryDividesTheDay(t *testing.T) {
	t.Parallel()
	w := window.MustParse("every 6h for 1h30m; except 12-24 in Asia/Kolkata")
	checkOpen(t, w, at(t, "2026-12-23 18:00 +0000"), "2026-12-23 18:30 +0000")
	checkClosed(t, w, at(t, "2026-12-23 18:30 +0000"), "2026-12-25 00:00 +0530")
	checkOpen(t, w, at(t, "2026-12-25 00:00 +0530"), "2026-12-25 01:00 +0530")
}
