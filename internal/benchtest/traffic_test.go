package benchtest_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// traffic is what an app's users do: one row is read or written at a time, at a
// fixed rate, whatever the database makes of it. A stall so delays all who come in
// it, as it does in life, and each of them is counted from when it was due: a
// loop that waits for an answer before it asks again would meet a stall once.
type traffic struct {
	s    *server
	pool *sql.DB // an app has its own
	rows int
	rate int // a second; every fifth is a write

	mu     sync.Mutex
	waits  []wait
	failed error
}

// wait is what one user met.
type wait struct {
	due   time.Time
	took  time.Duration // from then on
	write bool
}

// writeEvery is how many requests there are for one that writes.
const writeEvery = 5

func (s *server) traffic(tb testing.TB, rows, rate int) *traffic {
	tb.Helper()
	pool := s.again(tb).DB
	pool.SetMaxOpenConns(32)
	pool.SetMaxIdleConns(32)
	return &traffic{s: s, pool: pool, rows: rows, rate: rate}
}

// during lets the users be there while fn runs, and returns how long they had to
// wait, sorted: those who came in the time that fn returns.
func (f *traffic) during(tb testing.TB, fn func() (from, to time.Time)) (reads, writes []time.Duration) {
	tb.Helper()
	f.waits = nil
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f.come(ctx, &wg) }) // ends with ctx
	warm := time.NewTimer(300 * time.Millisecond)
	<-warm.C // the connections are opened
	from, to := fn()
	stop()
	wg.Wait()
	must(tb, f.failed)
	for _, w := range f.waits {
		switch {
		case w.due.Before(from) || w.due.After(to):
		case w.write:
			writes = append(writes, w.took)
		default:
			reads = append(reads, w.took)
		}
	}
	slices.Sort(reads)
	slices.Sort(writes)
	return reads, writes
}

// come sends one user after the other.
func (f *traffic) come(ctx context.Context, wg *sync.WaitGroup) {
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(f.rate))
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wg.Go(func() { f.request(i, due) })
	}
}

// request is not bound to the end of the phase: who came in it counts in it.
func (f *traffic) request(i int, due time.Time) {
	ctx := context.Background()
	id := 1 + rand.IntN(f.rows)
	write := i%writeEvery == 0
	var err error
	if write {
		length := rand.IntN(600)
		_, err = f.pool.ExecContext(ctx, f.s.placeholders("UPDATE tracks SET length = ?, length_ms = ? WHERE id = ?"), length, 1000*length, id)
	} else {
		var title string
		var length int64
		var ms sql.NullInt64
		err = f.pool.QueryRowContext(ctx, f.s.placeholders("SELECT title, length, length_ms FROM tracks WHERE id = ?"), id).Scan(&title, &length, &ms)
	}
	took := time.Since(due)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = append(f.waits, wait{due, took, write})
	if err != nil {
		f.failed = err
	}
}

// percentile returns the latency that p of 100 stay within; sorted must be.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
