package dualread_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Not parallel: AllocsPerRun counts the allocations of all goroutines.
func TestReadAllocatesNothing(t *testing.T) {
	c := newColumn(t, lengthMove())
	moved, pending := &track{Length: 3, LengthMS: new(int64(3456))}, &track{Length: 3}
	var sink int64
	for _, phase := range dualread.Phases() {
		setPhase(t, c, phase)
		for name, row := range map[string]*track{"moved": moved, "pending": pending} {
			if n := testing.AllocsPerRun(100, func() { sink += c.Read(row) }); n != 0 {
				t.Errorf("Read of a row that is %s, in %v, allocates %v times, want 0", name, phase, n)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { c.Stats() }); n != 0 {
		t.Errorf("Stats allocates %v times, want 0", n)
	}
}

// The goal is 5 ns for a read that hits; field is what a read costs without us.
func BenchmarkRead(b *testing.B) {
	moved, pending := &track{Length: 3, LengthMS: new(int64(3456))}, &track{Length: 3}
	var sink int64
	b.Run("field", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink += *moved.LengthMS
		}
	})
	for _, phase := range dualread.Phases() {
		for name, row := range map[string]*track{"moved": moved, "pending": pending} {
			b.Run(phase.String()+"/"+name, func(b *testing.B) {
				c := newColumn(b, lengthMove())
				setPhase(b, c, phase)
				b.ReportAllocs()
				for b.Loop() {
					sink += c.Read(row)
				}
			})
		}
	}
}

// Early in a move all cores fall back at once.
func BenchmarkReadFallbackParallel(b *testing.B) {
	c := newColumn(b, lengthMove())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		row := &track{Length: 3}
		for pb.Next() {
			c.Read(row)
		}
	})
}

func BenchmarkStats(b *testing.B) {
	c := newColumn(b, lengthMove())
	var sink dualread.Stats
	b.ReportAllocs()
	for b.Loop() {
		sink = c.Stats()
	}
	_ = sink
}

func BenchmarkExpr(b *testing.B) {
	db, c := newDB(b), newColumn(b, lengthMove())
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = c.Expr().AppendQuery(db.QueryGen(), buf[:0])
	}
}
