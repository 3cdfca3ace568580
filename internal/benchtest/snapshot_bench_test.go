package benchtest_test

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// BenchmarkSnapshotPostgres tells how the time from one batch to the next grows while
// another session keeps a snapshot, as a dump does: of the last tenth of the batches,
// for that of the first. Nothing that is written meanwhile may be cleaned up, of our
// checkpoint neither.
func BenchmarkSnapshotPostgres(b *testing.B) {
	s, rows := startPostgres(b), setting(b, "BENCH_ROWS", 20_000)
	var grown []float64
	for b.Loop() {
		s.fill(b, rows)
		s.forget(b)
		dump, err := s.db.DB.BeginTx(context.Background(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		must(b, err)
		_, err = dump.ExecContext(context.Background(), "SELECT 1 FROM tracks LIMIT 1")
		must(b, err)
		w := newWatch()
		run(b, s.db, bgtransform.Config{Logger: slog.New(slog.DiscardHandler), Observer: w}, sqlTransform(), w)
		must(b, dump.Rollback())
		tenth := max(1, len(w.batches)/10)
		grown = append(grown, sum(w.batches[len(w.batches)-tenth:]).Seconds()/sum(w.batches[:tenth]).Seconds())
		b.ReportMetric(float64(len(w.batches)), "batches")
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(grown), "last/first")
}

func sum(ds []time.Duration) (total time.Duration) {
	for _, d := range ds {
		total += d
	}
	return total
}
