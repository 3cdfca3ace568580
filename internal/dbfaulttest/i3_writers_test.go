package dbfaulttest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The app edits, inserts and deletes the very rows that are being transformed, for
// the whole run, and some of them between the read and the write: nothing that it
// wrote is lost, and in the end everything is right.
func TestI3WritersThroughoutTheRun(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, p place) {
		for what, transform := range map[string]func(w *writers) bgtransform.Transform{
			"rows": func(w *writers) bgtransform.Transform {
				rows := inGo()
				each := rows.Each
				rows.Each = func(ctx context.Context, m *Item) error {
					if m.ID%(4*gap) == 0 {
						w.write(ctx, m.ID) // between the read and the write
					}
					return each(ctx, m)
				}
				return rows
			},
			"sql": func(*writers) bgtransform.Transform { return inSQL() },
		} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				p := shared(t, p.kind)
				const rows = 1000
				db := p.open(t)
				p.seed(t, db, rows)
				w := &writers{t: t, p: p, db: p.open(t), rows: rows}
				cfg := quick(t)
				cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 50, 50
				in := start(t, db, cfg, transform(w))
				stop := w.run(3)
				in.until("a third pass, or the end of the table", func(st bgtransform.Status) bool {
					return st.Pass >= 3 || st.State.Settled() || st.Why().Code == bgtransform.ReasonQuarantine
				})
				moved := in.status().Moved
				stop()
				st, changed := p.finish(db, in)
				if st.Quarantined > 0 {
					t.Errorf("%d rows are in quarantine", st.Quarantined)
				}
				if what == "rows" && moved == 0 {
					t.Error("no row moved on between its read and its write: the writers are of no use")
				}
				t.Logf("%d writes of the app, %d rows transformed, %d had moved on, %d passes", w.wrote.Load(), changed, moved, st.Pass)
				p.wantRight(t, db, changed)
			})
		}
	})
}

// While the code of a transform runs, however long, its database has no lock of
// ours, nor an open transaction.
func TestI3SlowCodeHoldsNoLocks(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		db := p.open(t)
		p.seed(t, db, 30)
		in, out := make(chan struct{}), make(chan struct{})
		var once atomic.Bool
		transform := inGo()
		each := transform.Each
		transform.Each = func(ctx context.Context, m *Item) error {
			if m.ID == 20*gap && once.CompareAndSwap(false, true) {
				in <- struct{}{}
				<-out
			}
			return each(ctx, m)
		}
		run := start(t, db, quick(t), transform)
		<-in
		const query = "SELECT (SELECT count(*) FROM pg_locks WHERE relation = 'items'::regclass) + " +
			"(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid())"
		look := p.open(t)
		untilEvery(t, 20*time.Millisecond, "no lock and no transaction", func() bool { // small statements of the scheduler's own come and go
			if p.kind == mariadb {
				return len(innodbOpen(t, look)) == 0
			}
			return number(t, look, query) == 0
		})
		exec(t, db, "UPDATE items SET src = src + 1, ver = ver + 1") // which waits for nobody
		close(out)
		st := run.untilState(bgtransform.StateComplete)
		if st.Moved != 30 {
			t.Errorf("%d rows had moved on, want all 30", st.Moved)
		}
		p.wantRight(t, db, st.Rows)
	})
}
