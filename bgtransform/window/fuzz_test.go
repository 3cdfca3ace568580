package window_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "always", "never", ";", "always;never", "for", "for in", "x for 1h in", "@daily for 1d", "@every 1s for 1m",
		"0 22 * * * for 8h in Europe/Berlin", "0 22 * * 1-5 for 8h; 0 0 * * 0,6 for 1d in America/New_York",
		"*/15 2 29 feb ? for 7d in Australia/Lord_Howe", "TZ= for 1h", "CRON_TZ=UTC 0 0 * * * for 1h", ", * * * * for 1h",
		"0 0 30 2 * for 1h", "*/99999999999 * * * * for 1h", "* * * * * for 1m", "0 0 13 * fri for 1d1h1m1s1ms",
		"every 20s for 5s", "every 1d for 1h; except sun..sat", "always; except 12-24..01-01, last 2 days of month in Europe/Berlin",
		"always; except 2026-03-29T02:15..2026-03-29T02:45, second tue of month, 02-29 in Africa/Casablanca",
		"* * * * * for 1s; except * * * * * for 2s", "0 22 * * * for 8h; except */10 2 * * * for 5m; except 2026-12-24..2027-01-02",
	} {
		f.Add(text, int64(1774746000)) // 2026-03-29 02:00 in Berlin
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		began := time.Now()
		w, err := window.Parse(text)
		if err != nil {
			return
		}
		again, err := window.Parse(w.String())
		if err != nil || again.String() != w.String() {
			t.Fatalf("Parse(%q) = %v, again %v, %v", text, w, again, err)
		}
		const year9999 = 253402300799
		now := time.Unix(unix%year9999, 0)
		for range 3 {
			if w.Contains(now) != again.Contains(now) {
				t.Fatalf("%v and what it was parsed from differ at %v", w, now)
			}
			next, ok := w.Next(now)
			if !ok {
				break
			}
			end, ok := w.Closes(next)
			if !w.Contains(next) || ok && (w.Contains(end) || !end.After(next)) {
				t.Fatalf("%v: Next(%v) = %v, Closes = %v", w, now, next, end)
			}
			now = next.Add(2 * time.Hour)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("%q took %v", text, took)
		}
	})
}
