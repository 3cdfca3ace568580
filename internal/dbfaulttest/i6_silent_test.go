package dbfaulttest

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// silence makes a proxy swallow all answers, from the first message on that is the
// one, once it is armed.
type silence struct {
	from      func(fromClient []byte) bool
	armed, on atomic.Bool
	since     atomic.Int64 // Unix nanoseconds
}

func (s *silence) over(proxy *testserver.Proxy) {
	proxy.CutWhen(func(b []byte) bool {
		if s.armed.Load() && s.from(b) && s.on.CompareAndSwap(false, true) {
			s.since.Store(time.Now().UnixNano())
			proxy.Stall(true)
		}
		return false
	})
}

// The holder's way to the database falls silent in the middle of a batch: while it
// reads, in the fence's statement, in the commit. It gives the lease up within a few
// thirds of its ttl, however long its statements and batches may take, so that an
// instance that can reach the database goes on. Nothing is done twice, and when its
// database is back, the old holder works again.
func TestI6SilentDatabaseIsHandedOver(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		for what, from := range map[string]func([]byte) bool{
			"reading": func(b []byte) bool { return bytes.Contains(b, []byte("SELECT")) },
			"fence":   func(b []byte) bool { return bytes.Contains(b, []byte("bgtransform_ranges")) },
			"commit":  commits,
		} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				const rows, more = 600, 50
				p := shared(t, p.kind)
				db := p.open(t)
				p.seed(t, db, rows)
				proxy := testserver.StartProxy(t, p.server.Addr())
				quiet := &silence{from: from}
				quiet.over(proxy)
				cfg, w := quick(t), new(watcher)
				cfg.LeaseTTL = 2 * time.Second
				cfg.BatchTimeout, cfg.StatementTimeout = time.Hour, time.Hour
				cfg.Observer = w
				w.begin = func(info bgtransform.BatchStartInfo) { quiet.armed.Store(what == "reading" && info.Batch >= 3) }
				transform := inGo()
				transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
					if what != "reading" && w.count(func(end bgtransform.BatchEndInfo) bool { return end.Err == nil }) >= 2 {
						quiet.armed.Store(true)
					}
				})
				first := start(t, p.via(proxy).open(t), cfg, transform)
				until(t, "silence", quiet.on.Load)
				cfg.Observer = &watcher{begin: func(bgtransform.BatchStartInfo) {
					if since := quiet.since.Swap(0); since != 0 {
						t.Logf("taken over %s after the silence began, with a ttl of %s", time.Since(time.Unix(0, since)).Round(time.Millisecond), cfg.LeaseTTL)
					}
				}}
				second := start(t, db, cfg, inGo())
				st := second.untilState(bgtransform.StateComplete)
				p.wantOnce(t, db, rows, st.Rows)
				second.stop()

				p.insert(t, db, rows+1, more)
				must(t, second.Control().Restart(context.Background(), name, bgtransform.By{Who: "test"}))
				proxy.CutWhen(nil)
				proxy.Stall(false)
				first.until("the old holder does the next run", func(now bgtransform.Status) bool {
					return now.Run > st.Run && now.State == bgtransform.StateComplete
				})
				p.wantDone(t, db)
				if got := number(t, db, "SELECT count(*) FROM audit"); got != rows+more {
					t.Errorf("rows were written %d times in all, want %d", got, rows+more)
				}
			})
		}
	})
}
