package bgtransform_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// between calls a function once between the last read of the table tracks and
// the transaction that follows it.
type between struct {
	driver.Connector
	armed, read atomic.Bool
	fn          func()
}

func (b *between) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := b.Connector.Connect(ctx)
	return &betweenConn{conn, b}, err
}

type betweenConn struct {
	driver.Conn
	b *between
}

func (c *betweenConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.b.read.Load() && c.b.armed.CompareAndSwap(true, false) {
		c.b.fn()
	}
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c *betweenConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.b.armed.Load() && strings.Contains(query, `"tracks"`) && !strings.Contains(query, "1 = 0") {
		c.b.read.Store(true)
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *betweenConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

// Between the comparison and the repair, the app writes to the rows: one is made
// right, one is deleted, one becomes pending, by a column that the code neither
// reads nor writes. None of them is overwritten, or counted as repaired.
func TestI3RepairOverwritesNothing(t *testing.T) {
	t.Parallel()
	rows, sqlKind := toMS("x"), toMSBySQL("x")
	rows.Pending, sqlKind.Pending = "length_ms IS NULL OR title = 'again'", "length_ms IS NULL OR title = 'again'"
	byWrong := rows
	byWrong.Wrong, sqlKind.Wrong = "length_ms IS DISTINCT FROM length * 1000", "length_ms IS DISTINCT FROM length * 1000"
	for name, transform := range map[string]bgtransform.Transform{"rows": rows, "rows by wrong": byWrong, "sql": sqlKind} {
		path := filepath.Join(t.TempDir(), "test.db")
		app := open(t, path)
		seed(t, app, 10)
		base, err := sqlite.NewConnector(dsn(path))
		must(t, err)
		b := &between{Connector: base, fn: func() {
			exec(t, app, "UPDATE tracks SET length = 70, length_ms = 70000 WHERE id = 3")
			exec(t, app, "DELETE FROM tracks WHERE id = 4")
			exec(t, app, "UPDATE tracks SET title = 'again' WHERE id = 5")
		}}
		db := bun.NewDB(sql.OpenDB(b), sqlitedialect.New())
		t.Cleanup(func() { _ = db.Close() })
		in := start(t, db, quick(t), transform)
		in.untilState("x", bgtransform.StateComplete)
		exec(t, app, "UPDATE tracks SET length_ms = 7 WHERE id IN (2, 3, 4, 5)")
		b.armed.Store(true)
		v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
		if b.armed.Load() || v.Mismatches != 1 || v.Repaired != 1 {
			t.Errorf("%s: %+v, want just one row repaired: %q", name, v, in.found("x"))
		}
		in.stop()
		if got := count(t, app, "SELECT length_ms FROM tracks WHERE id = 3"); got != 70000 {
			t.Errorf("%s: a user's edit was overwritten with %d", name, got)
		}
		if n := count(t, app, "SELECT count(*) FROM tracks WHERE id = 5 AND length_ms = 7"); n != 1 {
			t.Errorf("%s: a row that became pending was repaired", name)
		}
		if n := count(t, app, "SELECT count(*) FROM tracks WHERE id = 4"); n != 0 {
			t.Errorf("%s: a deleted row came back", name)
		}
	}
}

// user is somebody who changes rows all the time: mostly both sides, and
// sometimes, as an old version of the app, only the old one.
type user struct {
	written map[int]edited
	edits   int
}

type edited struct {
	length int
	both   bool
}

func (u *user) edit(db *bun.DB, first, rows int, stop <-chan struct{}) {
	for k := 1; ; k++ {
		select {
		case <-stop:
			return
		default:
		}
		id, one := first+2*((k*7)%rows), edited{length: 1000*first + k, both: k%3 > 0}
		query := fmt.Sprintf("UPDATE tracks SET length = %d WHERE id = %d", one.length, id)
		if one.both {
			query = fmt.Sprintf("UPDATE tracks SET length = %d, length_ms = %d WHERE id = %d", one.length, one.length*1000, id)
		}
		if _, err := db.ExecContext(context.Background(), query); err == nil { // a deadlock, or a busy database, leaves the row as it was
			u.written[id] = one
			u.edits++
		}
	}
}

// Two users change the very rows that are being repaired, the whole time: no
// row that a user wrote last is overwritten with what an older value was.
func TestI3RepairBesideWriters(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			const n = 120
			db := newDBOn(t, d.kind, n)
			cfg := quick(t)
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 10, StartBatch: 10, MaxBatch: 10}
			in := start(t, db, cfg, transform)
			in.untilState("x", bgtransform.StateComplete)
			stop := make(chan struct{})
			users := []*user{{written: map[int]edited{}}, {written: map[int]edited{}}}
			var busy sync.WaitGroup
			for i, u := range users {
				busy.Go(func() { u.edit(db, 1+i, n/2, stop) })
			}
			leave := sync.OnceFunc(func() { close(stop); busy.Wait() })
			t.Cleanup(leave)
			var repaired int64
			for i := 0; i < 1 || (repaired == 0 && i < 50); i++ {
				v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
				if v.State != bgtransform.VerifyDone || v.Repaired > v.Mismatches || v.Pending+v.Unchecked != 0 {
					t.Errorf("%s: %+v: %q", name, v, in.found("x"))
				}
				repaired += v.Repaired
			}
			leave()
			if repaired == 0 || users[0].edits == 0 || users[1].edits == 0 {
				t.Errorf("%s: %d repaired beside %d and %d edits: this shows nothing", name, repaired, users[0].edits, users[1].edits)
			}
			var tracks []Track
			must(t, db.NewSelect().Model(&tracks).Scan(t.Context()))
			for _, tr := range tracks {
				last, known := users[(tr.ID-1)%2].written[int(tr.ID)]
				if known && (tr.Length != int64(last.length) || (last.both && *tr.LengthMS != tr.Length*1000)) {
					t.Errorf("%s: a user last wrote %+v to track %d, which holds %d and %d", name, last, tr.ID, tr.Length, *tr.LengthMS)
				}
			}
			if v := in.verified("x", bgtransform.VerifyOptions{Repair: true}); !v.Clean() || v.Rows != n {
				t.Errorf("%s: at last %+v", name, v)
			}
			if wrong := count(t, db, "SELECT count(*) FROM tracks WHERE "+wrongMS(db)); wrong != 0 {
				t.Errorf("%s: %d rows are wrong at last", name, wrong)
			}
			in.stop()
		}
	})
}
