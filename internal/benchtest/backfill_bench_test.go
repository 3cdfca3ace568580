package benchtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// way is one way to fill the new column.
type way struct {
	name    string
	share   int                                       // it does one of this many rows: the slow ones need not do all
	prepare func(tb testing.TB, s *server)            // nil: nothing
	byHand  func(ctx context.Context, rows int) error // nil: ours
	ours    bgtransform.Transform
}

// The ways that are compared with each other.
const (
	bareLoop  = "keyset UPDATE loop"
	oursSQL   = "ours, SQL"
	bunLoop   = "bun bulk loop"
	oursRows  = "ours, Rows"
	pgrollWay = "pgroll's way"
	rowByRow  = "row by row"
)

func (s *server) ways() []way {
	ways := []way{
		{name: bareLoop, share: 1, byHand: s.bareSQL},
		{name: oursSQL, share: 1, ours: sqlTransform()},
		{name: bunLoop, share: 1, byHand: s.bareBulk},
		{name: oursRows, share: 1, ours: rowsTransform()},
	}
	if s.name == "PostgreSQL" {
		ways = append(ways, way{name: pgrollWay, share: 1, prepare: preparePgroll, byHand: s.pgroll})
	}
	return append(ways,
		way{name: "row by row, a transaction a batch", share: 20, byHand: s.rowByRowTx},
		way{name: rowByRow, share: 200, byHand: s.rowByRow},
		way{name: "one UPDATE", share: 1, byHand: s.oneUpdate},
	)
}

// result is what a way took in one turn.
type result struct {
	rows   int
	passed time.Duration // until all rows had their value
	whole  time.Duration // until it was proved that they have

	spent spent // until all rows had their value
}

func (r result) rate() float64 { return float64(r.rows) / r.passed.Seconds() }

func BenchmarkBackfillPostgres(b *testing.B) { backfill(b, startPostgres(b)) }

// backfill runs the same backfill in all ways over equal tables, in turn, and
// prints rows per second and ratios. The first way of each turn is another one.
func backfill(b *testing.B, s *server) {
	rows := setting(b, "BENCH_ROWS", 20_000)
	ways := s.ways()
	all := newReport(s.name, rows)
	turn := 0
	for b.Loop() {
		for i := range ways {
			w := ways[(i+turn)%len(ways)]
			s.fill(b, rows)
			all.add(w.name, w.measure(b, s, rows))
		}
		turn++
		all.print() // also when there is no time for the next turn
	}
	b.ReportMetric(0, "ns/op")
	all.metrics(b)
}

func BenchmarkBackfillMariaDB(b *testing.B) { backfill(b, startMariaDB(b)) }

func (w way) measure(b *testing.B, s *server, rows int) result {
	b.Helper()
	if w.prepare != nil {
		w.prepare(b, s)
	}
	rows /= w.share
	if w.ours != nil {
		seen := complete(b, s, w.ours, batchSize)
		s.check(b, w.name, rows)
		return result{rows, seen.passed, seen.whole, seen.spent}
	}
	before, began := s.spent(), time.Now()
	must(b, w.byHand(b.Context(), rows))
	took := time.Since(began)
	spent := s.spent().since(before)
	s.check(b, w.name, rows)
	return result{rows, took, took, spent}
}
