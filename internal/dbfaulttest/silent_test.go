package dbfaulttest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// The server is there, and answers nothing: the batch ends with its timeout, the
// status says why, the server's own limits end what it was doing, and when the
// network is back, the run goes on.
func TestI4AnswersThatNeverCome(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 1000
		db := p.open(t)
		p.seed(t, db, rows)
		proxy := testserver.StartProxy(t, p.server.Addr())
		cfg := quick(t)
		cfg.BatchTimeout, cfg.StatementTimeout = time.Second, time.Second
		var calls int
		transform := inGo()
		transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
			if calls++; calls == 4 {
				proxy.Stall(true) // between the read and the write
			}
		})
		in := start(t, p.via(proxy).open(t), cfg, transform)
		in.until("a reason", func(st bgtransform.Status) bool {
			why := st.Why().Code
			return why == bgtransform.ReasonBackoff || why == bgtransform.ReasonDatabase
		})
		// What the server had begun for us does not stay.
		exec(t, db, "UPDATE items SET ver = ver") // it locks every row
		exec(t, db, "DELETE FROM audit")
		done := number(t, db, "SELECT count(*) FROM items WHERE dst IS NOT NULL")
		proxy.Stall(false)
		st := in.untilState(bgtransform.StateComplete)
		if got := number(t, db, "SELECT count(*) FROM audit"); got != rows-done || st.Rows != rows {
			t.Errorf("%d rows were written after the silence and %d are counted, want %d and %d", got, st.Rows, rows-done, rows)
		}
		p.wantDone(t, db)
	})
}

// The connection breaks while the last range is read, or the range after it that is
// empty: that is never taken for a table without rows. The pass that completes the
// transform has seen every row.
func TestI5BrokenReadIsNoEmptyTable(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 100
		db := p.open(t)
		p.seed(t, db, rows)
		proxy := testserver.StartProxy(t, p.server.Addr())
		var cut fuse
		proxy.CutWhen(cut.lit)
		cfg, w := quick(t), new(watcher)
		var pass, begun int64
		late := int64(0)
		w.begin = func(info bgtransform.BatchStartInfo) {
			if info.Pass == pass {
				begun++
			} else {
				pass, begun = info.Pass, 1
			}
			if info.Pass >= 2 && late < 8 { // nothing is pending but what the app adds now
				late++
				p.insert(t, db, int(1000+late), 1)
				cut.left.Store(1 + late/2)
			}
		}
		cfg.Observer = w
		in := start(t, p.via(proxy).open(t), cfg, inGo())
		st := in.untilState(bgtransform.StateComplete)
		if late < 8 {
			t.Errorf("complete after %d broken reads, want 8", late)
		}
		p.wantOnce(t, db, rows+late, st.Rows)
	})
}

// A run is stopped while its database is silent: the app's shutdown does not wait
// for it.
func TestI6ShutdownWhileTheServerIsSilent(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		db := p.open(t)
		p.seed(t, db, 500)
		proxy := testserver.StartProxy(t, p.server.Addr())
		cfg := quick(t)
		cfg.Grace, cfg.BatchTimeout, cfg.StatementTimeout = 200*time.Millisecond, time.Hour, time.Hour
		var silent atomic.Bool
		transform := inGo()
		transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
			proxy.Stall(true)
			silent.Store(true)
		})
		in := start(t, p.via(proxy).open(t), cfg, transform)
		until(t, "silence", silent.Load)
		in.cancel()
		select {
		case <-in.done:
		case <-time.After(patience): // the batch itself would take an hour
			t.Error("the scheduler does not stop")
		}
		proxy.Stall(false)
	})
}
