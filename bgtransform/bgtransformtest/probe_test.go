package bgtransformtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"
	"time"

	"modernc.org/sqlite"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestProbe(t *testing.T) {
	ctx := context.Background()
	const q = "&_txlock=immediate&_pragma=busy_timeout(2000)"
	a, err := sql.Open("sqlite", "file:/probe1?vfs=memdb"+q)
	must(t, err)
	c1, err := a.Conn(ctx)
	must(t, err)
	_, err = c1.ExecContext(ctx, "CREATE TABLE x(id INTEGER PRIMARY KEY AUTOINCREMENT, n); INSERT INTO x(n) VALUES (1),(2)")
	must(t, err)
	c2, err := a.Conn(ctx)
	must(t, err)
	var n int
	must(t, c2.QueryRowContext(ctx, "SELECT count(*) FROM x").Scan(&n))
	t.Log("shared:", n)
	b, err := sql.Open("sqlite", "file:/probe2?vfs=memdb"+q)
	must(t, err)
	d1, err := b.Conn(ctx)
	must(t, err)
	start := time.Now()
	_, err = c1.ExecContext(ctx, "VACUUM INTO 'file:/probe2?vfs=memdb'")
	must(t, err)
	t.Log("vacuum", time.Since(start))
	must(t, b.QueryRowContext(ctx, "SELECT count(*) FROM x").Scan(&n))
	t.Log("copied:", n)
	calls := 0
	d1.Raw(func(dc any) error {
		dc.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { calls++; return int32(calls % 2) })
		_, ok := dc.(driver.SessionResetter)
		t.Log("resetter", ok)
		_, ok = dc.(driver.NamedValueChecker)
		t.Log("nvc", ok)
		return nil
	})
	tx, err := d1.BeginTx(ctx, nil)
	must(t, err)
	_, err = tx.Exec("INSERT INTO x(n) VALUES (9)")
	must(t, err)
	t.Log(tx.Commit())
	must(t, b.QueryRowContext(ctx, "SELECT count(*) FROM x").Scan(&n))
	t.Log("after veto", n)
	_, err = d1.ExecContext(ctx, "INSERT INTO x(n) VALUES (9)")
	t.Log(err)
	rows, err := d1.QueryContext(ctx, "INSERT INTO x(n) VALUES (9) RETURNING id")
	t.Log(err)
	if err == nil {
		t.Log(rows.Next(), rows.Err(), calls, rows.Close())
	}
	rows, err = d1.QueryContext(ctx, "INSERT INTO x(n) VALUES (9) RETURNING id")
	t.Log(err)
	if err == nil {
		t.Log(rows.Next(), rows.Err(), calls, rows.Close(), calls)
	}
	_, err = d1.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS x(id)")
	t.Log(err, calls)
	_, err = d1.ExecContext(ctx, "UPDATE x SET n=1 WHERE 1=0")
	t.Log(err, calls)
	must(t, b.QueryRowContext(ctx, "SELECT count(*) FROM x").Scan(&n))
	t.Log("end", n)
}
