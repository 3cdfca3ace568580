package dbfaulttest

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// own starts a server for one test, as far as that can be from keeping on the disk
// what a batch commits: PostgreSQL's batches do not wait for it.
func own(t *testing.T, kind string) place {
	t.Helper()
	if kind == postgres {
		s := testserver.StartPostgres(t, "wal_writer_delay=10s")
		return place{kind, s.Database(t), s.Server}
	}
	s := testserver.StartMariaDB(t)
	return place{kind, s.Database(t), s.Server}
}

// The server dies between a batch's read and its write, after batches whose commits
// had not reached the disk: they are done again, and the rest goes on.
func TestI2ServerKilledInMidBatch(t *testing.T) {
	t.Parallel()
	on(t, servers(), own, func(t *testing.T, p place) {
		const rows, kills = 3000, 4
		db := p.open(t)
		p.seed(t, db, rows)
		calls, die, back := 0, make(chan struct{}), make(chan struct{})
		transform := inGo()
		transform.Batch = func(ctx context.Context, ms []*Item) error {
			calls++
			if calls%5 == 0 && calls <= 5*kills {
				die <- struct{}{}
				<-back
			}
			for _, m := range ms {
				m.Dst = new(m.Src * factor)
			}
			return nil
		}
		transform.Each = nil
		cfg, w := quick(t), new(watcher)
		cfg.Observer = w
		in := start(t, db, cfg, transform)
		for range kills {
			<-die
			p.server.Kill()
			p.server.Start()
			back <- struct{}{}
		}
		st := in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, rows, st.Rows)
		lost := w.count(func(end bgtransform.BatchEndInfo) bool { return end.Err == nil }) - st.Batches
		t.Logf("%d batches that had been committed were lost with the server, and done again", lost)
		if p.kind == postgres && lost < 1 {
			t.Error("no commit was lost: this test does not test what it is for")
		}
		if p.kind == mariadb && lost > 0 {
			t.Errorf("%d commits that the server had kept were taken for lost", lost)
		}
	})
}

// The server dies at any moment, several times in a run, under the lease in the
// database itself. While it is down, the status says so.
func TestI2ServerKilledAtRandom(t *testing.T) {
	t.Parallel()
	on(t, servers(), own, func(t *testing.T, p place) {
		const rows, kills = 4000, 4
		db := p.open(t)
		p.seed(t, db, rows)
		var seen atomic.Int64
		due := make(chan struct{})
		transform := inGo()
		next := int64(1 + rand.IntN(rows/(2*kills)))
		transform.Each = func(_ context.Context, m *Item) error {
			if seen.Add(1) == next { // the server dies while the batch goes on
				next += int64(1 + rand.IntN(rows/(2*kills)))
				select {
				case due <- struct{}{}:
				default:
				}
			}
			m.Dst = new(m.Src * factor)
			return nil
		}
		cfg := quick(t)
		cfg.Locker = nil
		in := start(t, db, cfg, transform)
		for range kills {
			select {
			case <-due:
			case <-in.done:
			}
			p.server.Kill()
			in.untilWhy(bgtransform.ReasonDatabase, "")
			p.server.Start()
			if in.status().State == bgtransform.StateComplete {
				break
			}
		}
		st := in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, rows, st.Rows)
	})
}
