package bgtransform_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// BenchmarkVerify verifies equal tables by a condition alone, and by the same
// condition and the functions of a move, and reports rows per second and how much
// longer it takes to ask the functions about each row.
func BenchmarkVerify(b *testing.B) {
	for _, kind := range kinds() {
		b.Run(kind, func(b *testing.B) {
			var alone, asking time.Duration
			for b.Loop() {
				db := newDBOn(b, kind, benchRows)
				bySQL := toMSBySQL("x")
				bySQL.Wrong = wrongMS(db)
				alone += verifyTime(b, db, bySQL)
				asking += verifyTime(b, db, bgtransform.Move[Track, int64]{Column: column(b, trackLength())})
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(benchRows*float64(b.N)/asking.Seconds(), "rows/s")
			b.ReportMetric(asking.Seconds()/alone.Seconds(), "move/sql")
		})
	}
}

// verifyTime is what a verification takes that nothing paces.
func verifyTime(b *testing.B, db *bun.DB, tr bgtransform.Transform) time.Duration {
	b.Helper()
	cfg := quick(b)
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Limits = throttle.Limits{Duty: 1, MinBatch: benchBatch, StartBatch: benchBatch, MaxBatch: benchBatch}
	in := start(b, db, cfg, tr)
	defer in.stop()
	name := tr.Definition().Name
	in.untilState(name, bgtransform.StateComplete)
	v := in.verified(name, bgtransform.VerifyOptions{})
	if !v.Clean() || v.Rows != benchRows {
		b.Fatalf("%+v", v)
	}
	return v.Ended.Sub(v.Started)
}

// trackLength moves the length of a track, by SQL.
func trackLength() dualread.Move[Track, int64] {
	return dualread.Move[Track, int64]{
		Name:       "track-length",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"},
		Old:        func(m *Track) (int64, bool) { return m.Length * 1000, true },
		New:        func(m *Track) (int64, bool) { return value(m.LengthMS) },
		SetOld:     func(m *Track, ms int64) { m.Length = ms / 1000 },
		SetNew:     func(m *Track, ms int64) { m.LengthMS = new(ms) },
	}
}
