package benchtest_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

func BenchmarkMemoryPostgres(b *testing.B) { memory(b, startPostgres(b)) }

func BenchmarkMemoryMariaDB(b *testing.B) { memory(b, startMariaDB(b)) }

// memory prints what a run takes of this process's memory. What it holds at once
// depends on the size of a batch, never on that of the table.
func memory(b *testing.B, s *server) {
	rows := setting(b, "BENCH_ROWS", 20_000)
	for b.Loop() {
		_, _ = fmt.Fprintf(os.Stdout, "\n%s, %d rows\n\n| kind | batch | peak of the heap | allocations a row | bytes a row |\n|---|---:|---:|---:|---:|\n", s.name, rows)
		for name, tr := range map[string]bgtransform.Transform{oursSQL: sqlTransform(), oursRows: rowsTransform()} {
			for _, batch := range []int{1000, 10_000} {
				s.fill(b, rows)
				allocs, bytes, peak := measureMemory(func() { complete(b, s, tr, batch) })
				_, _ = fmt.Fprintf(os.Stdout, "| %s | %d | %.1f MB | %.1f | %.0f |\n", name, batch, float64(peak)/1e6, float64(allocs)/float64(rows), float64(bytes)/float64(rows))
				b.ReportMetric(float64(peak)/1e6, fmt.Sprintf("%.4s-%d-peak-MB", name[6:], batch))
			}
		}
	}
	b.ReportMetric(0, "ns/op")
}

// measureMemory returns what fn allocated in all, and by how much the heap in use
// rose at most, looked at every few milliseconds.
func measureMemory(fn func()) (allocs, bytes, peak uint64) {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	watched := make(chan uint64)
	go func() { // ends below
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		var peak uint64
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-again.C:
			case <-done:
				watched <- peak
				return
			}
		}
	}()
	fn()
	close(done)
	peak = <-watched
	runtime.ReadMemStats(&now)
	return now.Mallocs - before.Mallocs, now.TotalAlloc - before.TotalAlloc, peak - min(peak, before.HeapInuse)
}
