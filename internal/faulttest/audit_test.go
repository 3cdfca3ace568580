package faulttest

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// seed makes the table, with n tracks, and what writes down who changes them.
func seed(t testing.TB, db *database, n int) {
	t.Helper()
	ctx := context.Background()
	must(t, store.Create(ctx, db.DB)) // the trigger reads it
	_, err := db.NewCreateTable().Model((*Track)(nil)).Exec(ctx)
	must(t, err)
	grow(t, db, n)
	for _, statement := range db.audit {
		_, err := db.DB.DB.ExecContext(ctx, statement)
		must(t, err)
	}
}

// grow adds tracks up to the number n.
func grow(t testing.TB, db *database, n int) {
	t.Helper()
	ctx := context.Background()
	for from := int(count(t, db, "SELECT count(*) FROM tracks")) + 1; from <= n; from += 1000 {
		var tracks []Track
		for i := from; i < from+1000 && i <= n; i++ {
			tracks = append(tracks, Track{ID: int64(i), Length: int64(i)})
		}
		_, err := db.NewInsert().Model(&tracks).Exec(ctx)
		must(t, err)
	}
}

func count(t testing.TB, db bun.IDB, query string) (n int64) {
	t.Helper()
	must(t, db.QueryRowContext(context.Background(), query).Scan(&n))
	return n
}

// exactlyOnce fails the test unless each of n rows was written once, rightly, and
// by attempts that each had one writer and followed each other.
func exactlyOnce(t testing.TB, db *database, n int64) {
	t.Helper()
	if got := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms = length * 1000"); got != n {
		t.Errorf("%d rows are right, want all %d", got, n)
	}
	oneWriter(t, db)
	if got := count(t, db, "SELECT count(*) FROM audit"); got != n {
		t.Errorf("rows were written %d times in all, want %d", got, n)
	}
}

// oneWriter fails the test if a row was written twice, if two processes wrote under
// one attempt, or if an attempt wrote after a newer one.
func oneWriter(t testing.TB, db *database) {
	t.Helper()
	for what, query := range map[string]string{
		"rows were written more than once":                    "SELECT count(*) FROM (SELECT id FROM audit GROUP BY id HAVING count(*) > 1) AS x",
		"attempts have several writers":                       "SELECT count(*) FROM (SELECT attempt FROM audit GROUP BY attempt HAVING count(DISTINCT who) > 1) AS x",
		"rows were written after a newer attempt had written": "SELECT count(*) FROM (SELECT attempt, max(attempt) OVER (ORDER BY seq) AS newest FROM audit) AS x WHERE attempt < newest",
	} {
		if got := count(t, db, query); got != 0 {
			t.Errorf("%d %s", got, what)
		}
	}
}

// outside waits until the status, as an operator's command reads it, is one that
// ok accepts.
func outside(t testing.TB, db *database, what string, ok func(bgtransform.Status) bool) bgtransform.Status {
	t.Helper()
	control, err := bgtransform.NewControl(db.DB)
	must(t, err)
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	var last []bgtransform.Status
	for {
		if last, err = control.Status(context.Background(), transform); err == nil && ok(last[0]) {
			return last[0]
		}
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("the status never said %s; the last: %+v, %v", what, last, err)
		}
	}
}

// status returns the status as an operator's command reads it.
func status(t testing.TB, db *database) bgtransform.Status {
	t.Helper()
	return outside(t, db, "anything", func(bgtransform.Status) bool { return true })
}

// complete waits until the transform is complete.
func complete(t testing.TB, db *database) bgtransform.Status {
	t.Helper()
	return outside(t, db, "complete", func(st bgtransform.Status) bool {
		if st.State == bgtransform.StateFailed {
			t.Fatalf("the transform failed: %+v", st)
		}
		return st.State == bgtransform.StateComplete
	})
}
