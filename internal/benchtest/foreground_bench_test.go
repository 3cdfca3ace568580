package benchtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// greedyBatch is how many rows a batch has in the loop that people write at first.
const greedyBatch = 20_000

// phase is what users met in one turn beside one kind of work.
type phase struct {
	done
	reads, writes []time.Duration // sorted

	lost int64 // users' edits that were overwritten
}

// done is what the work beside the users has come to.
type done struct {
	from, to time.Time
	rows     int
}

func (d done) rate() float64 { return float64(d.rows) / d.to.Sub(d.from).Seconds() }

// idle is no work at all.
func idle(limit time.Duration) done {
	d := done{from: time.Now()}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	d.to = <-timer.C
	return d
}

// all are the latencies of reads and writes together.
func (p phase) all() []time.Duration {
	all := slices.Concat(p.reads, p.writes)
	slices.Sort(all)
	return all
}

func BenchmarkForegroundPostgres(b *testing.B) { foreground(b, startPostgres(b)) }

func BenchmarkForegroundMariaDB(b *testing.B) { foreground(b, startMariaDB(b)) }

// foreground prints how long users wait for their rows: alone; beside a session that
// touches no table but has a processor of the server for half of the time, which
// is what any work of that size costs them on this machine; beside loops that nobody
// holds back, in SQL and in Go; and beside ours with default settings, and with those
// of somebody in a hurry.
func foreground(b *testing.B, s *server) {
	rows, rate := setting(b, "BENCH_ROWS", 20_000), setting(b, "BENCH_FOREGROUND_RATE", 200)
	limit := time.Duration(setting(b, "BENCH_FOREGROUND_SECONDS", 1)) * time.Second
	users := s.traffic(b, rows, rate)
	works := []struct {
		name string
		do   func() done
	}{
		{alone, func() done { return idle(limit) }},
		{computing, func() done { return s.compute(b, limit) }},
		{bareGreedy, func() done { return s.greedy(b, limit) }},
		{bareGreedyGo, func() done { return s.greedyGo(b, rows, limit) }},
		{oursSQL, func() done { return s.gentle(b, sqlTransform(), throttle.Limits{}, limit) }},
		{oursRows, func() done { return s.gentle(b, rowsTransform(), throttle.Limits{}, limit) }},
		{oursLargeSQL, func() done { return s.gentle(b, sqlTransform(), large(), limit) }},
		{oursLargeRows, func() done { return s.gentle(b, rowsTransform(), large(), limit) }},
	}
	s.warm(b, rows, limit)
	seen := map[string][]phase{}
	for b.Loop() {
		for _, work := range works {
			s.fill(b, rows)
			s.forget(b)
			var p phase
			p.reads, p.writes = users.during(b, func() (from, to time.Time) { p.done = work.do(); return p.from, p.to })
			p.lost = count(b, s.db, "SELECT count(*) FROM tracks WHERE length_ms <> length * 1000")
			if p.lost != 0 && work.name != bareGreedyGo { // which writes what it has read before
				b.Fatalf("%s: %d rows are wrong", work.name, p.lost)
			}
			seen[work.name] = append(seen[work.name], p)
		}
	}
	b.ReportMetric(0, "ns/op")
	printForeground(s, rows, rate, seen)
	for _, work := range works[1:] {
		unit := strings.NewReplacer(" ", "-", ",", "").Replace(work.name)
		b.ReportMetric(worse(seen, work.name), unit+"-p99/alone")
		if bare := bareOf(work.name); bare != "" {
			b.ReportMetric(share(seen, work.name), unit+"-rows/bare")
		}
	}
}

const (
	alone         = "alone"
	computing     = "a session that computes, half of the time"
	bareGreedy    = "bare loop of 20000"
	bareGreedyGo  = "bare loop of 20000 in Go"
	oursLargeSQL  = "ours, SQL, large batches"
	oursLargeRows = "ours, Rows, large batches"
)

// large are the limits of somebody in a hurry.
func large() throttle.Limits { return throttle.Limits{MaxRows: 10_000} }

// bareOf returns the loop that does the same work as a way, and does it by hand.
func bareOf(name string) string {
	switch name {
	case bareGreedy, oursSQL, oursLargeSQL:
		return bareGreedy
	case bareGreedyGo, oursRows, oursLargeRows:
		return bareGreedyGo
	default:
		return ""
	}
}

// warm lets the server make its log files and grow its memory: that is the work of
// its first minutes, and of no transform.
func (s *server) warm(tb testing.TB, rows int, limit time.Duration) {
	for range 3 {
		s.fill(tb, rows)
		s.greedy(tb, limit)
	}
}

// worse returns how many times as long the slowest of a hundred users waits.
func worse(seen map[string][]phase, name string) float64 {
	return p99(seen[name]) / p99(seen[alone])
}

// p99 is of the middle turn, in milliseconds.
func p99(turns []phase) float64 {
	return inTurns(turns, func(p phase) float64 { return ms(percentile(p.all(), 99)) })
}

// share returns how much of its bare loop's work is done in the same time.
func share(seen map[string][]phase, name string) float64 {
	return inTurns(seen[name], phase.rate) / inTurns(seen[bareOf(name)], phase.rate)
}

func inTurns(turns []phase, of func(phase) float64) float64 {
	values := make([]float64, len(turns))
	for i, p := range turns {
		values[i] = of(p)
	}
	return middle(values)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func printForeground(s *server, rows, rate int, seen map[string][]phase) {
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "\n%s, %d rows, %d requests a second, of which one in %d writes: milliseconds from when they were due, %d turns\n\n", s.name, rows, rate, writeEvery, len(seen[alone]))
	_, _ = fmt.Fprintln(&out, "| users | requests | p50 | p95 | p99 | reads p99 | writes p99 | slowest | p99 is | rows/s | of bare | lost edits |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, name := range []string{alone, computing, bareGreedy, oursSQL, oursLargeSQL, bareGreedyGo, oursRows, oursLargeRows} {
		turns, of := seen[name], ""
		if bareOf(name) != "" {
			of = fmt.Sprintf("%.0f | %.2f×", inTurns(turns, phase.rate), share(seen, name))
		} else {
			of = " | "
		}
		at := func(p int) float64 {
			return inTurns(turns, func(ph phase) float64 { return ms(percentile(ph.all(), p)) })
		}
		_, _ = fmt.Fprintf(&out, "| %s | %.0f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.2f× | %s | %.0f |\n", name,
			inTurns(turns, func(p phase) float64 { return float64(len(p.all())) }), at(50), at(95), at(99),
			inTurns(turns, func(p phase) float64 { return ms(percentile(p.reads, 99)) }),
			inTurns(turns, func(p phase) float64 { return ms(percentile(p.writes, 99)) }),
			at(100), worse(seen, name), of, inTurns(turns, func(p phase) float64 { return float64(p.lost) }))
	}
	_, _ = fmt.Fprintln(os.Stdout, out.String())
}

// computeFor is how long the session computes, and rests, at a time: as our batches do.
const computeFor = 100 * time.Millisecond

// compute is work of the server's processor alone: no row, no lock, no log.
func (s *server) compute(tb testing.TB, limit time.Duration) done {
	tb.Helper()
	ctx, d := context.Background(), done{from: time.Now()}
	for n := 10_000; time.Since(d.from) < limit; {
		began := time.Now()
		_, err := s.db.DB.ExecContext(ctx, "SELECT sum(sqrt(n)) FROM "+fmt.Sprintf(s.series, n))
		must(tb, err)
		took := time.Since(began)
		n = max(1, int(float64(n)*min(10, computeFor.Seconds()/took.Seconds())))
		rest := time.NewTimer(took)
		<-rest.C
	}
	d.to = time.Now()
	return d
}

// greedy is the loop that is fast: large batches, one right after the other.
func (s *server) greedy(tb testing.TB, limit time.Duration) done {
	tb.Helper()
	next := s.placeholders("SELECT max(id) FROM (SELECT id FROM tracks WHERE id > ? ORDER BY id LIMIT " + strconv.Itoa(greedyBatch) + ") AS k")
	update := s.placeholders("UPDATE tracks SET length_ms = length * 1000 WHERE id > ? AND id <= ? AND length_ms IS NULL")
	d, ctx := done{from: time.Now()}, context.Background()
	for last := int64(0); time.Since(d.from) < limit; {
		var high sql.NullInt64
		must(tb, s.db.DB.QueryRowContext(ctx, next, last).Scan(&high))
		if !high.Valid {
			break
		}
		res, err := s.db.DB.ExecContext(ctx, update, last, high.Int64)
		must(tb, err)
		n, err := res.RowsAffected()
		must(tb, err)
		d.rows, last = d.rows+int(n), high.Int64
	}
	d.to = time.Now()
	return d
}

// greedyGo is greedy with Go code in it, as with bun.
func (s *server) greedyGo(tb testing.TB, rows int, limit time.Duration) done {
	tb.Helper()
	columns, write := s.bulk()
	d := done{from: time.Now()}
	err := s.pages(context.Background(), rows, greedyBatch, columns, func(ctx context.Context, tracks []Track) error {
		if time.Since(d.from) >= limit {
			return errOver
		}
		d.rows += len(tracks)
		return write(ctx, tracks)
	})
	d.to = time.Now()
	if !errors.Is(err, errOver) {
		must(tb, err)
	}
	return d
}

var errOver = errors.New("over")

// gentle is ours: paced, and as safe as always. It is over after a time, or when nothing
// is left to write. Flags of the environment win over the limits given.
func (s *server) gentle(tb testing.TB, tr bgtransform.Transform, limits throttle.Limits, limit time.Duration) done {
	tb.Helper()
	w := &firstPass{began: make(chan struct{}), over: make(chan struct{})}
	sched, err := bgtransform.New(s.db, bgtransform.Config{Limits: limits, Logger: slog.New(slog.DiscardHandler), Observer: w})
	must(tb, err)
	must(tb, sched.Register(tr))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sched.Run(ctx) }() // ends below
	<-w.began
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.over:
	case <-timer.C:
	}
	stop()
	must(tb, <-ended)
	if w.rows == 0 {
		tb.Fatal("nothing was done")
	}
	return w.done
}

// firstPass is an observer that counts what the first pass does.
type firstPass struct {
	done
	once, last  sync.Once
	began, over chan struct{}
}

func (w *firstPass) BatchStart(ctx context.Context, info bgtransform.BatchStartInfo) context.Context {
	w.once.Do(func() { w.from = time.Now(); close(w.began) })
	if info.Pass > 1 {
		w.last.Do(func() { close(w.over) })
	}
	return ctx
}

func (w *firstPass) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	if info.Pass == 1 && info.Err == nil {
		w.rows, w.to = w.rows+info.Changed, time.Now()
	}
}

// forget makes every transform a new one.
func (s *server) forget(tb testing.TB) {
	tb.Helper()
	for _, table := range []string{"transforms", "intents", "ranges", "journal", "leases"} {
		exec(tb, s.db, "DROP TABLE IF EXISTS bgtransform_"+table)
	}
}
