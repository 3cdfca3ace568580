package benchtest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Part is a table whose key has two columns.
type Part struct {
	bun.BaseModel `bun:"table:parts,alias:part"`

	Album    int64  `bun:"album,pk"`
	Position int64  `bun:"position,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

func partsTransform() bgtransform.Rows[Part] {
	return bgtransform.Rows[Part]{
		Name: "tracks", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(_ context.Context, p *Part) error { p.LengthMS = new(p.Length * 1000); return nil },
	}
}

// fillParts makes the table anew, with albums of twelve.
func (s *server) fillParts(tb testing.TB, rows int) {
	tb.Helper()
	exec(tb, s.db,
		"DROP TABLE IF EXISTS parts",
		"CREATE TABLE parts (album BIGINT, position BIGINT, length BIGINT NOT NULL, length_ms BIGINT, PRIMARY KEY (album, position))",
		"INSERT INTO parts (album, position, length) SELECT FLOOR(n / 12), n % 12, n % 600 FROM "+s.numbers(rows)+" ORDER BY n",
	)
	for _, settle := range s.settle {
		exec(tb, s.db, strings.ReplaceAll(settle, "tracks", "parts"))
	}
}

// fillSparse makes the table anew, with nothing to do until its last hundredth.
func (s *server) fillSparse(tb testing.TB, rows int) {
	tb.Helper()
	s.fill(tb, rows)
	exec(tb, s.db, fmt.Sprintf("UPDATE tracks SET length_ms = length * 1000 WHERE id <= %d", rows-rows/100))
	exec(tb, s.db, s.settle...)
}

func BenchmarkGrowthPostgres(b *testing.B) { growth(b, startPostgres(b)) }

func BenchmarkGrowthMariaDB(b *testing.B) { growth(b, startMariaDB(b)) }

// growth prints how long a batch takes in each tenth of a table. It should make
// no difference which: a walk by key has no offset to skip.
func growth(b *testing.B, s *server) {
	rows := setting(b, "BENCH_GROWTH_ROWS", 20_000)
	for b.Loop() {
		_, _ = fmt.Fprintf(os.Stdout, "\n%s, %d rows, batches of %d: mean time of a batch in each tenth\n\n", s.name, rows, batchSize)
		_, _ = fmt.Fprintln(os.Stdout, "| walk | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | last/first |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
		for _, walk := range []struct {
			name string
			fill func(tb testing.TB, rows int)
			tr   bgtransform.Transform
		}{
			{"SQL, integer key", s.fill, sqlTransform()},
			{"Rows, integer key", s.fill, rowsTransform()},
			{"Rows, two-column key", s.fillParts, partsTransform()},
			{"Rows, pending at the end only", s.fillSparse, rowsTransform()},
		} {
			walk.fill(b, rows)
			tenths := complete(b, s, walk.tr, batchSize).tenths()
			_, _ = fmt.Fprintf(os.Stdout, "| %s |", walk.name)
			for _, took := range tenths {
				_, _ = fmt.Fprintf(os.Stdout, " %.1f ms |", 1000*took.Seconds())
			}
			ratio := tenths[len(tenths)-1].Seconds() / tenths[0].Seconds()
			_, _ = fmt.Fprintf(os.Stdout, " %.2f× |\n", ratio)
			b.ReportMetric(ratio, strings.NewReplacer(" ", "-", ",", "").Replace(walk.name)+"-last/first")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// tenths returns the mean time of a batch of the first pass in each tenth of it.
func (w *watch) tenths() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	tenths := make([]time.Duration, 10)
	for i := range tenths {
		part := w.batches[i*len(w.batches)/10 : (i+1)*len(w.batches)/10]
		for _, b := range part {
			tenths[i] += b
		}
		tenths[i] /= time.Duration(max(1, len(part)))
	}
	return tenths
}
