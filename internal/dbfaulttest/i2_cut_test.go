package dbfaulttest

import (
	"bytes"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// fuse burns down with each message of a client, and fires at the last one.
type fuse struct{ left, fired atomic.Int64 }

// lit returns what a proxy asks of each message.
func (f *fuse) lit([]byte) bool {
	if f.left.Add(-1) != 0 {
		return false
	}
	f.fired.Add(1)
	return true
}

// commits reports whether a message asks for a commit. READ COMMITTED is no such
// wish.
func commits(fromClient []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(bytes.ToLower(fromClient), "\x00"), []byte("commit"))
}

// Each message of a batch is cut off from its answer once, and each is lost on its
// way once: the reads, the fence, the rows, and the commit, whose outcome nobody can
// know then.
func TestI2ConnectionCutAtEachMessageOfABatch(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const messages, size = 16, 20
		db := p.open(t)
		p.seed(t, db, 2*messages*size+5*size)
		proxy := testserver.StartProxy(t, p.server.Addr())
		var answer, request fuse
		proxy.CutWhen(answer.lit)
		proxy.DropWhen(request.lit)
		cfg, w := quick(t), new(watcher)
		cfg.Limits.StartBatch, cfg.Limits.MaxBatch = size, size
		var begun int64
		w.begin = func(bgtransform.BatchStartInfo) { // called by one goroutine
			// Two broken batches in a row end an attempt; the third is to go well, or the
			// next ones begin ever later.
			message, which := begun/3+1, begun%3
			begun++
			answer.left.Store(0) // a batch shorter than its fuse puts it out
			request.left.Store(0)
			switch {
			case message > messages || which == 2:
			case which == 1:
				answer.left.Store(message)
			default:
				request.left.Store(message)
			}
		}
		cfg.Observer = w
		in := start(t, p.via(proxy).open(t), cfg, inGo())
		st := in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, 2*messages*size+5*size, st.Rows)
		failed := w.count(func(end bgtransform.BatchEndInfo) bool { return end.Err != nil })
		// database/sql may send a message again on another connection, so not every cut fails a batch.
		if cuts := answer.fired.Load() + request.fired.Load(); cuts < messages || failed < messages/2 {
			t.Errorf("%d cuts, and %d batches failed; want at least %d and %d", cuts, failed, messages, messages/2)
		}
	})
}

// The answer to a commit is lost each time.
func TestI2CommitsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		for what, fault := range map[string]func(*testserver.Proxy, func([]byte) bool){
			"the server has committed": (*testserver.Proxy).CutWhen,
			"the server has not":       (*testserver.Proxy).DropWhen,
		} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				p := shared(t, p.kind)
				db := p.open(t)
				p.seed(t, db, 500)
				proxy := testserver.StartProxy(t, p.server.Addr())
				var armed atomic.Bool
				var cut atomic.Int64
				fault(proxy, func(b []byte) bool {
					if !commits(b) || !armed.CompareAndSwap(true, false) {
						return false
					}
					cut.Add(1)
					return true
				})
				transform, calls := inGo(), 0
				each := transform.Each
				transform.Each = nil
				transform.Batch = batchOf(each, func() {
					calls++
					armed.Store(calls%2 == 0) // the next commit is the batch's own
				})
				in := start(t, p.via(proxy).open(t), quick(t), transform)
				st := in.untilState(bgtransform.StateComplete)
				p.wantOnce(t, db, 500, st.Rows)
				if cut.Load() < 2 {
					t.Errorf("%d commits were cut off, want 2 at least", cut.Load())
				}
			})
		}
	})
}

// All connections break, at any moment, for a whole run.
func TestI2ConnectionsCutAtRandom(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 3000
		db := p.open(t)
		p.seed(t, db, rows)
		proxy := testserver.StartProxy(t, p.server.Addr())
		var sent, cuts atomic.Int64
		var next atomic.Int64
		next.Store(20)
		var begun atomic.Bool // an app that boots makes its tables first, with more messages than there are between two cuts
		proxy.CutWhen(func([]byte) bool {
			if !begun.Load() {
				return false
			}
			n := sent.Add(1)
			if n < next.Load() || cuts.Load() >= 25 {
				return false
			}
			next.Store(n + 5 + rand.Int64N(40))
			cuts.Add(1)
			go proxy.Reset() // all of them, while this message is under way
			return false
		})
		cfg, w := quick(t), new(watcher)
		w.begin = func(bgtransform.BatchStartInfo) { begun.Store(true) }
		cfg.Observer = w
		in := start(t, p.via(proxy).open(t), cfg, inSQL())
		st := in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, rows, st.Rows)
		if cuts.Load() < 3 {
			t.Errorf("connections were cut %d times, want 3 at least", cuts.Load())
		}
	})
}
