package dbfaulttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// locked runs statements in a transaction of the app's that stays open until
// release is called.
func locked(t testing.TB, db *bun.DB, statements ...string) (release func()) {
	t.Helper()
	conn, err := db.Conn(context.Background())
	must(t, err)
	exec(t, conn, append([]string{"BEGIN"}, statements...)...)
	var once sync.Once
	release = func() {
		once.Do(func() {
			exec(t, conn, "ROLLBACK")
			_ = conn.Close()
		})
	}
	t.Cleanup(release)
	return release
}

// tableLock is a session of the app's that takes the whole table once.
type tableLock struct {
	t            testing.TB
	conn         bun.Conn
	once         sync.Once
	lock, unlock []string
}

// tableLock returns a lock in a mode of PostgreSQL's and one of MariaDB's, which
// nobody has taken yet. It ends with the test.
func (p place) tableLock(t testing.TB, onPostgres, onMariaDB string) *tableLock {
	t.Helper()
	conn, err := p.open(t).Conn(context.Background())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	l := &tableLock{t: t, conn: conn, lock: []string{"BEGIN", "LOCK TABLE items IN " + onPostgres + " MODE"}, unlock: []string{"ROLLBACK"}}
	if p.kind == mariadb {
		l.lock, l.unlock = []string{"LOCK TABLES items " + onMariaDB}, []string{"UNLOCK TABLES"}
	}
	return l
}

// take may be called by whoever runs, and again.
func (l *tableLock) take() {
	l.once.Do(func() {
		for _, s := range l.lock {
			if _, err := l.conn.ExecContext(context.Background(), s); err != nil {
				l.t.Errorf("%s: %v", s, err)
			}
		}
	})
}

func (l *tableLock) release() {
	l.t.Helper()
	exec(l.t, l.conn, l.unlock...)
}

// One row stays locked: the rest of the table is done, the status says why the row
// is not, and it is done when the lock goes.
func TestI6RowLockedForLong(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 300
		db, app := p.open(t), p.open(t)
		p.seed(t, db, rows)
		release := locked(t, app, fmt.Sprintf("SELECT id FROM items WHERE id = %d FOR UPDATE", 50*gap))
		cfg := quick(t)
		cfg.LockTimeout = 50 * time.Millisecond
		if p.kind == mariadb {
			cfg.LockTimeout = time.Second
		}
		in := start(t, db, cfg, inGo())
		in.until("everything done but the locked row", func(st bgtransform.Status) bool { return st.Rows == rows-1 })
		st := in.untilWhy(bgtransform.ReasonBackoff, "lock")
		if st.Quarantined != 0 || st.Moved == 0 {
			t.Errorf("%d rows in quarantine and %d left to the next pass, want none and some", st.Quarantined, st.Moved)
		}
		release()
		st = in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, rows, st.Rows)
	})
}

// The whole table is locked: the batch gives way each time, so that the app's
// statements do not queue up behind it, and the status says why.
func TestI6TableLocked(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 300
		db, app := p.open(t), p.open(t)
		p.seed(t, db, rows)
		lock := p.tableLock(t, "SHARE", "READ")
		cfg := quick(t)
		cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 10, 10
		transform := inGo()
		transform.Each, transform.Batch = nil, batchOf(transform.Each, lock.take)
		if p.kind == mariadb {
			cfg.LockTimeout = time.Second
		}
		in := start(t, db, cfg, transform)
		in.untilWhy(bgtransform.ReasonBackoff, "lock")
		// A reader of the app's gets through: it does not queue up for longer than
		// the batch waits.
		if n := number(t, app, "SELECT count(*) FROM items"); n != rows {
			t.Errorf("the app reads %d rows, want %d", n, rows)
		}
		lock.release()
		st := in.untilState(bgtransform.StateComplete)
		if st.Quarantined != 0 {
			t.Errorf("%d rows in quarantine", st.Quarantined)
		}
		p.wantOnce(t, db, rows, st.Rows)
	})
}

// Transactions of the app's lock the rows of a batch in the opposite order. Both
// sides get on, and no row is to blame.
func TestI6Deadlocks(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 400
		db, app := p.open(t), p.open(t)
		p.seed(t, db, rows)
		if p.kind == postgres {
			exec(t, db, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''10ms''', current_database()); END $$")
			app = p.open(t)
		}
		cfg, w := quick(t), new(watcher)
		cfg.Observer = w
		cfg.LockTimeout = 5 * time.Second // a deadlock is found before that
		var done, refused atomic.Int64
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for line := range 2 {
			wg.Go(func() { // ends with the test's cancel
				for i := int64(line); ctx.Err() == nil; i++ {
					hi := (i%8 + 1) * 50
					err := app.RunInTx(context.Background(), nil, func(ctx context.Context, tx bun.Tx) error {
						for id := hi; id > hi-50; id -= 5 {
							if _, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE items SET src = src + 1, dst = NULL, ver = ver + 1 WHERE id = %d", id*gap)); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						refused.Add(1)
					} else {
						done.Add(1)
					}
				}
			})
		}
		defer wg.Wait()
		defer cancel()
		met := func(end bgtransform.BatchEndInfo) bool { return bgtransform.ErrorType(end.Err) == "transient" }
		in := start(t, p.open(t), cfg, inSQL())
		var earlier int64
		until(t, "deadlocks, and work done on both sides", func() bool {
			earlier += in.again()
			return w.count(met)+refused.Load() >= 3 && done.Load() >= 20
		})
		cancel()
		wg.Wait()
		st, changed := p.finish(db, in)
		t.Logf("%d transactions of the app went through, %d did not; %d batches were tried again", done.Load(), refused.Load(), w.count(met))
		if st.Quarantined != 0 {
			t.Errorf("%d rows in quarantine", st.Quarantined)
		}
		p.wantRight(t, db, changed+earlier)
	})
}
