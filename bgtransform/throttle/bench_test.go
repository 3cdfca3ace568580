package throttle_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func BenchmarkDoneWait(b *testing.B) {
	p := throttle.New(throttle.Limits{RowsPerSecond: 1000})
	b.ReportAllocs()
	for b.Loop() {
		p.Done(throttle.Batch{Keys: p.Size(), Rows: p.Size(), Took: 90 * time.Millisecond})
		p.Wait()
	}
}

func BenchmarkPredict(b *testing.B) {
	p := throttle.New(throttle.Limits{})
	for range 16 {
		p.Done(throttle.Batch{Keys: p.Size(), Rows: p.Size(), Took: 90 * time.Millisecond})
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Predict()
	}
}
