package bgtransform

import (
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// The window is open for as long as somebody asked for, ends by itself, and is open when it
// was before.
func TestOpened(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 34, 56, 0, time.UTC)
	for _, text := range []string{"never", "0 22 * * * for 8h in Europe/Berlin", "0 22 * * * for 8h in Europe/Berlin; except 12-24", "every 20s for 5s", "30 12 * * * for 10m in UTC"} {
		wider, until, err := opened(text, now, 2*time.Hour)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := until.Sub(now); got > 2*time.Hour+10*time.Second || got < 2*time.Hour-time.Minute {
			t.Errorf("%s: it is open for %s", text, got)
		}
		was, is := window.MustParse(text), window.MustParse(wider)
		for at := now.Add(3 * time.Hour); at.Before(now.Add(72 * time.Hour)); at = at.Add(7 * time.Minute) {
			if was.Contains(at) != is.Contains(at) {
				t.Fatalf("%s: at %s it was open: %t, and is now: %t", text, at, was.Contains(at), is.Contains(at))
			}
		}
	}
}

func TestNotOpened(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 24, 12, 34, 56, 0, time.UTC)
	for _, tc := range []struct {
		text   string
		length time.Duration
		want   string
	}{
		{"always", time.Hour, "open already"},
		{"0 12 * * * for 8h", time.Hour, "open already"},
		{"0 22 * * * for 8h in Europe/Berlin; except 12-24", time.Hour, "an exception of its window keeps it shut"},
		{"", time.Hour, "not known here"},
		{"never", 0, "1m to 12h"},
		{"never", 13 * time.Hour, "1m to 12h"},
		{"nonsense", time.Hour, "nonsense"},
		{strings.Repeat("0 22 * * * for 8h in Europe/Berlin; ", 28) + "never", time.Hour, "longer than 1024"},
	} {
		if wider, _, err := opened(tc.text, now, tc.length); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.40s for %s: %q, %v; want an error with %q", tc.text, tc.length, wider, err, tc.want)
		}
	}
}
