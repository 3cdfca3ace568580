package window_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

func benchmarkWindows() map[string]window.Window {
	return map[string]window.Window{
		"night":   window.MustParse("0 22 * * * for 8h in Europe/Berlin"),
		"union":   window.MustParse("0 22 * * 1-5 for 8h in Europe/Berlin; 0 0 * * 0,6 for 1d in Europe/Berlin"),
		"minutes": window.MustParse("* 22-23,0-5 * * * for 1m in Europe/Berlin"),
		"turns":   window.MustParse("0 */2 * * * for 1h; 0 1-23/2 * * * for 1h"),
		"every":   window.MustParse("every 20s for 10s"),
		"except":  window.MustParse("0 22 * * * for 8h in Europe/Berlin; except 12-24..01-01, last 2 days of month, sun"),
		"swallow": window.MustParse("0 22 * * * for 8h; except sun..sat"),
	}
}

func BenchmarkContains(b *testing.B) {
	now := time.Date(2026, time.January, 9, 12, 0, 0, 0, time.UTC)
	for name, w := range benchmarkWindows() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.Contains(now)
			}
		})
	}
}

func BenchmarkCloses(b *testing.B) {
	now := time.Date(2026, time.January, 9, 23, 0, 0, 0, time.UTC)
	for name, w := range benchmarkWindows() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.Closes(now)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	now := time.Date(2026, time.January, 9, 12, 0, 0, 0, time.UTC)
	for name, w := range benchmarkWindows() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.Next(now)
			}
		})
	}
}
