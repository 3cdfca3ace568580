package benchtest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// journaledTransform is rowsTransform with a journal.
func journaledTransform() bgtransform.Rows[Track] {
	tr := rowsTransform()
	tr.Options.Journal = true
	return tr
}

// journaledSQL is sqlTransform with a journal.
func journaledSQL() bgtransform.SQL[Track] {
	tr := sqlTransform()
	tr.Writes, tr.Options.Journal = []string{"length_ms"}, true
	return tr
}

// BenchmarkJournalPostgres prints how much longer a run takes that keeps a journal,
// over equal tables in one run, in turn.
func BenchmarkJournalPostgres(b *testing.B) {
	s := startPostgres(b)
	rows := setting(b, "BENCH_ROWS", 20_000)
	all := newReport(s.name, rows)
	for b.Loop() {
		for _, way := range []struct {
			name string
			tr   bgtransform.Transform
		}{
			{oursRows, rowsTransform()},
			{oursRows + " with a journal", journaledTransform()},
			{oursSQL, sqlTransform()},
			{oursSQL + " with a journal", journaledSQL()},
		} {
			s.fill(b, rows)
			seen := complete(b, s, way.tr, batchSize)
			s.check(b, way.name, rows)
			all.add(way.name, result{rows: rows, passed: seen.passed, whole: seen.whole})
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range []string{oursRows, oursSQL} {
		ratio := all.ratio(name, name+" with a journal")
		_, _ = fmt.Fprintf(os.Stdout, "%s: with a journal, a row takes %.2f times as long\n", name, ratio)
		b.ReportMetric(ratio, name[6:]+"-journal/none")
	}
}
