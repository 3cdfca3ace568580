package bgtransform_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// onServers is onEachDatabase for the databases on which several transactions write
// at a time.
func onServers(t *testing.T, fn func(t *testing.T, d database)) {
	t.Helper()
	for _, kind := range []string{"pg", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, newDatabase(t, kind))
		})
	}
}

// begun opens a transaction of the app, which has done some statements.
func begun(t *testing.T, db *bun.DB, statements ...string) bun.Tx {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), &sql.TxOptions{})
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	for _, s := range statements {
		exec(t, tx, s)
	}
	return tx
}

// waits accepts a transform that has nothing to do but to wait for transactions.
func waits(t *testing.T) func(st bgtransform.Status) bool {
	t.Helper()
	return func(st bgtransform.Status) bool {
		if st.State == bgtransform.StateComplete {
			t.Fatalf("it is complete although a transaction is open that wrote before it began: %+v", st)
		}
		return st.Reason.Code == bgtransform.ReasonWriters && st.Pass == 3
	}
}

// What a transaction wrote before the transform began is in no pass until it
// commits. The rows that are there are done meanwhile, and the transform says what
// it waits for, to whoever asks. Another instance goes on waiting.
func TestI5CompleteWaitsForOpenWriters(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, d database) {
		db := d.open(t)
		seed(t, db, 150)
		app := begun(t, d.open(t), "INSERT INTO tracks (id, title, length) VALUES (0, 'import', 7)")
		first := start(t, db, quick(t), toMS("x"))
		st := first.until("x", "waiting for the import", waits(t))
		if st.Rows != 150 || !strings.Contains(st.Reason.Text, "has written to the table") {
			t.Errorf("%d rows are done, want 150; it says %q", st.Rows, st.Reason)
		}
		outside, err := bgtransform.NewControl(d.open(t))
		must(t, err)
		first.until("x", "seen to wait from outside", func(bgtransform.Status) bool {
			all, err := outside.Status(t.Context(), "x")
			must(t, err)
			return waits(t)(all[0])
		})
		first.stop()
		second := start(t, d.open(t), quick(t), toMS("x"))
		second.until("x", "waiting for the import", waits(t))
		must(t, app.Commit())
		st = second.untilState("x", bgtransform.StateComplete)
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 0 || st.Rows != 151 || st.Pass != 4 {
			t.Errorf("complete, %d rows are pending; %d done in %d passes, want 151 in 4", n, st.Rows, st.Pass)
		}
	})
}

// A transaction that ends while the pass goes on may have written behind its cursor.
func TestI5CompleteWaitsForWritersThatEndMeanwhile(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, d database) {
		db := d.open(t)
		seed(t, db, 250)
		exec(t, db, "UPDATE tracks SET length_ms = length * 1000")
		app := begun(t, d.open(t), "UPDATE tracks SET length_ms = NULL WHERE id = 5")
		cfg := quick(t)
		var once sync.Once // a batch may be tried again
		cfg.Observer = &recorder{hook: func(info bgtransform.BatchStartInfo) {
			if info.Batch == 2 {
				once.Do(func() {
					if err := app.Commit(); err != nil {
						t.Errorf("the app's commit: %v", err)
					}
				})
			}
		}}
		st := start(t, db, cfg, toMS("x")).untilState("x", bgtransform.StateComplete)
		if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 0 || st.Rows != 1 {
			t.Errorf("complete, %d rows are pending, %d were done; want 0 and 1", n, st.Rows)
		}
	})
}

// Who only reads, or writes elsewhere, holds up nothing.
func TestI5CompleteWaitsForNoReader(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, d database) {
		db := d.open(t)
		seed(t, db, 150)
		begun(t, d.open(t), "SELECT * FROM tracks")
		elsewhere := newDatabase(t, d.kind).open(t)
		if d.kind == "pg" { // what a transaction has written to is not shown by MariaDB
			elsewhere = db
		}
		exec(t, elsewhere, "CREATE TABLE others (id int)")
		begun(t, elsewhere, "INSERT INTO others VALUES (1)")
		st := start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete)
		if st.Rows != 150 || st.Pass != 2 {
			t.Errorf("%d rows in %d passes, want 150 in 2", st.Rows, st.Pass)
		}
	})
}
