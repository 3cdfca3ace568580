package dbfaulttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// journaled are both kinds with a journal.
func journaled() map[string]bgtransform.Transform {
	rows, set := inGo(), inSQL()
	rows.Options.Journal = true
	set.Writes, set.Options.Journal = []string{"dst"}, true
	return map[string]bgtransform.Transform{"rows": rows, "sql": set}
}

func revert(t *testing.T, in *instance) {
	t.Helper()
	must(t, in.Control().Revert(context.Background(), name, bgtransform.By{Who: "test"}))
}

// wantBack fails unless each of n rows was written once there and once back, and
// the engine counts n rows back.
func (p place) wantBack(t *testing.T, db *bun.DB, n, counted int64) {
	t.Helper()
	if counted != n {
		t.Errorf("the engine counts %d rows written back, want %d", counted, n)
	}
	for what, query := range map[string]string{
		"rows are as they were":             "SELECT count(*) FROM items WHERE dst IS NULL",
		"rows were written there":           "SELECT count(*) FROM audit WHERE dst_was IS NULL AND dst_is = src_was * 1000",
		"rows were written back":            "SELECT count(*) FROM audit WHERE dst_was = src_was * 1000 AND dst_is IS NULL",
		"rows were written by two writes":   "SELECT count(*) FROM (SELECT id FROM audit GROUP BY id HAVING count(*) = 2) AS twice",
		"entries of the journal are closed": "SELECT count(*) FROM bgtransform_journal WHERE standing = 'reverted'",
	} {
		if got := number(t, db, query); got != n {
			t.Errorf("%d %s, want %d", got, what, n)
		}
	}
}

// The holder's transactions are cut off at any moment of a revert, by its own end or
// by its network, and another instance goes on: each row is written back once.
func TestI2RevertInterruptedAtRandom(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, p place) {
		const rows, lives, cuts = 1500, 8, 25
		db := p.open(t)
		p.seed(t, db, rows)
		transform := journaled()["rows"]
		first := start(t, db, quick(t), transform)
		first.untilState(bgtransform.StateComplete)
		revert(t, first)
		first.stop()

		at := p
		var begun atomic.Bool // an app that boots makes its tables first, with more messages than there are between two cuts
		if p.server != nil {
			proxy := testserver.StartProxy(t, p.server.Addr())
			var left, done atomic.Int64
			left.Store(30)
			proxy.CutWhen(func([]byte) bool {
				if begun.Load() && left.Add(-1) == 0 && done.Add(1) <= cuts {
					left.Store(20 + rand.Int64N(40))
					go proxy.Reset()
				}
				return false
			})
			at = p.via(proxy)
		}
		var st bgtransform.Status
		for life := range lives {
			cfg, w := quick(t), new(watcher)
			cfg.Limits.StartBatch, cfg.Limits.MaxBatch, cfg.Grace = 20, 20, 1
			cfg.Instance = "reborn" // nobody waits for its signs of life to grow old
			over := make(chan struct{}, 1)
			batches := 1 + rand.Int64N(8)
			w.begin = func(bgtransform.BatchStartInfo) {
				begun.Store(true)
				if batches--; batches == 0 && life < lives-1 {
					over <- struct{}{}
				}
			}
			cfg.Observer = w
			begun.Store(false)
			in := start(t, at.open(t), cfg, transform)
			until(t, "the end of a life", func() bool {
				st = in.status()
				return len(over) > 0 || st.State == bgtransform.StateReverted
			})
			in.stop() // with a batch under way, which is rolled back wherever it is
			if st.State == bgtransform.StateReverted {
				break
			}
		}
		if st.Attempt < 4 {
			t.Errorf("%d attempts, want more: nothing was interrupted", st.Attempt)
		}
		p.wantBack(t, db, rows, st.Rows)
	})
}

// The app edits, inserts and deletes the very rows, while they are transformed with
// a journal and while that is reverted: nothing that it wrote is lost, and no value
// of its own is taken for one of ours.
func TestI3WritersThroughoutTheRevert(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, p place) {
		for kind, transform := range journaled() {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				p := shared(t, p.kind)
				const rows = 800
				db := p.open(t)
				p.seed(t, db, rows+1) // the last is edited once, below: what the writers come to is chance, under load none of it
				w := &writers{t: t, p: p, db: p.open(t), rows: rows}
				cfg := quick(t)
				cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 20, 20
				in := start(t, db, cfg, transform)
				stop := w.run(2)
				in.until("a third pass, or the end of the table", func(st bgtransform.Status) bool { return st.Pass >= 3 || st.State.Settled() })
				stop()
				_, changed := p.finish(db, in)
				p.wantRight(t, db, changed)

				mark := number(t, db, "SELECT max(n) FROM audit")
				exec(t, db, fmt.Sprintf("UPDATE items SET ver = ver + 1, dst = -1 WHERE id = %d", gap*(rows+1)))
				stop = w.run(2)
				before := w.wrote.Load()
				until(t, "writes of the app", func() bool { return w.wrote.Load() > before+20 })
				revert(t, in)
				st := in.untilState(bgtransform.StateReverted)
				stop()
				p.wantNoneLost(t, db, mark, st)
			})
		}
	})
}

// wantNoneLost looks at what a revert has written after an entry of the audit.
func (p place) wantNoneLost(t *testing.T, db *bun.DB, mark int64, st bgtransform.Status) {
	t.Helper()
	const ours = "SELECT count(*) FROM audit AS r WHERE r.by_app = 0 AND r.n > ?"
	for what, query := range map[string]string{
		"writes met a dst that is not the transform's": ours + " AND (r.dst_was IS NULL OR r.dst_was < 0)",
		"writes changed src":                           ours + " AND NOT (r.src_was <=> r.src_is)",
		"writes met a dst that the app has written since": ours + " AND EXISTS (SELECT 1 FROM audit AS a WHERE a.id = r.id AND a.n < r.n AND a.by_app = 1 AND NOT (a.dst_was <=> a.dst_is)" +
			" AND a.n > (SELECT max(e.n) FROM audit AS e WHERE e.id = r.id AND e.n < r.n AND e.by_app = 0))",
		"rows that the app has left alone are not as they were": "SELECT count(*) FROM items WHERE ver = 0 AND dst IS NOT NULL AND id IN (SELECT id FROM audit WHERE n > ? - 1000000000)",
		"writes of the app were lost":                           "SELECT count(*) FROM items WHERE ver <> (SELECT count(*) FROM audit WHERE audit.id = items.id AND by_app = 1 AND n > ? - 1000000000)",
	} {
		var n int64
		must(t, db.NewRaw(p.text(query), mark).Scan(context.Background(), &n))
		if n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	var written int64
	must(t, db.NewRaw(ours, mark).Scan(context.Background(), &written))
	if written != st.Rows || st.Rows == 0 || st.Moved == 0 {
		t.Errorf("the audit has %d rows written back; the engine counts %d, and %d left", written, st.Rows, st.Moved)
	}
}
