package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/internal/testserver"
)

func connectMariaDB(t *testing.T, dsn string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(8) // the server is shared
	db := bun.NewDB(pool, mysqldialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newMariaDBFixture(t *testing.T) *fixture {
	t.Helper()
	db := connectMariaDB(t, testserver.SharedMariaDB(t).Database(t))
	f := &fixture{T: t, db: db, store: newStore(t, db)}
	f.must(f.store.Create(t.Context()))
	f.must(f.store.Register(t.Context(), []string{"x"}))
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE app (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryStatementRunsOnMariaDB(t *testing.T) {
	t.Parallel()
	f := newMariaDBFixture(t)
	f.must(everything(t.Context(), f.db))
	sign := store.Sign{Name: "x", Instance: "i", Reason: "why"}
	f.must(errors.Join(f.store.Sign(t.Context(), sign), f.store.Sign(t.Context(), sign))) // within one millisecond, perhaps
	signs, err := f.store.Signs(t.Context())
	f.must(err)
	if len(signs) != 1 || signs[0].Reason != "why" {
		t.Errorf("the signs are %+v, want one", signs)
	}
	f.must(f.store.Unsign(t.Context(), "i", "x"))
}

// I1 on a server that reports changed rows, not found ones: an attempt may
// write the same checkpoint twice, and only a newer attempt fences it.
func TestI1OlderAttemptIsFencedOnMariaDB(t *testing.T) {
	t.Parallel()
	f := newMariaDBFixture(t)
	older, rec := f.claim("older")
	for range 5 {
		f.must(older.Tx(t.Context(), &rec.Range, writeApp)) // nothing but the beat changes
	}
	stale := rec.Range
	stale.Beats--
	if err := older.Tx(t.Context(), &stale, writeApp); !errors.Is(err, store.ErrUnsettled) {
		t.Errorf("Tx after a checkpoint that is not the last = %v, want ErrUnsettled", err)
	}
	newer, rec2 := f.claim("newer")
	if err := older.BatchTx(t.Context(), &rec.Range, writeApp); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Tx of the older attempt = %v, want ErrFenced", err)
	}
	f.must(newer.BatchTx(t.Context(), &rec2.Range, writeApp))
	if got := f.appRows(); got != 6 {
		t.Errorf("the app's table has %d rows, want 6", got)
	}
}

// I2: what a batch that fails has written is gone, checkpoint and quarantine too.
func TestI2BatchIsOneTransactionOnMariaDB(t *testing.T) {
	t.Parallel()
	f := newMariaDBFixture(t)
	a, rec := f.claim("host")
	before := f.record()
	failed := errors.New("no")
	r := rec.Range
	r.Cursor = `["i5"]`
	err := a.BatchTx(t.Context(), &r, func(ctx context.Context, tx bun.Tx) error {
		return errors.Join(writeApp(ctx, tx), setAside(ctx, tx, a, store.Quarantined{Key: "k"}), failed)
	})
	if !errors.Is(err, failed) {
		t.Errorf("BatchTx = %v, want the batch's error", err)
	}
	if after := f.record(); after.Range != before.Range || after.Held != 0 || f.appRows() != 0 {
		t.Errorf("a failed batch left %+v, %d in quarantine, %d rows", after.Range, after.Held, f.appRows())
	}
}

func TestClaimsSideBySideOnMariaDB(t *testing.T) {
	t.Parallel()
	f := newMariaDBFixture(t)
	const claims = 12
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[int64]bool{}
	for range claims {
		wg.Go(func() {
			a, _, err := f.store.Claim(t.Context(), "x", "host")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[a.Number] = true
		})
	}
	wg.Wait()
	if len(seen) != claims {
		t.Errorf("%d claims got %d numbers", claims, len(seen))
	}
}

func TestInstancesThatStartTogetherOnMariaDB(t *testing.T) {
	t.Parallel()
	dsn := testserver.SharedMariaDB(t).Database(t)
	names := []string{"a", "b", "c"}
	var wg sync.WaitGroup
	for range 4 {
		s := newStore(t, connectMariaDB(t, dsn))
		wg.Go(func() {
			if err := errors.Join(s.Create(t.Context()), s.Register(t.Context(), names)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	recs, err := newStore(t, connectMariaDB(t, dsn)).Load(t.Context())
	if err != nil || len(recs) != len(names) {
		t.Errorf("%d transforms are registered (%v), want %d", len(recs), err, len(names))
	}
}

// Texts that a collation takes for equal are different keys of ours, whatever
// the database's own character set is.
func TestQuarantineOnMariaDBKeepsEveryKey(t *testing.T) {
	t.Parallel()
	f := newMariaDBFixture(t)
	a, rec := f.claim("host")
	keys := []string{`["sa"]`, `["sA"]`, `["sa "]`, `["så"]`, `["s☃𝄞"]`, `["s\\ \" '"]`}
	for try := range 2 {
		f.must(a.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			var rows []store.Quarantined
			for _, k := range keys {
				rows = append(rows, store.Quarantined{Key: k, Class: "c", Message: "it's \\ bad"})
			}
			added, err := a.Quarantine(ctx, tx, rows)
			if want := int64(len(keys) * (1 - try)); added != want {
				t.Errorf("try %d added %d rows, want %d", try+1, added, want)
			}
			return err
		}))
	}
	got := f.quarantined()
	for _, k := range keys {
		if row, ok := got[k]; !ok || row.Tries != 2 || row.Message != "it's \\ bad" {
			t.Errorf("key %s is in quarantine as %+v", k, row)
		}
	}
	f.must(a.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error { return a.Discharge(ctx, tx, keys[:1]) }))
	if left := len(f.quarantined()); left != len(keys)-1 {
		t.Errorf("%d rows are left after one was discharged, want %d", left, len(keys)-1)
	}
}

// The server's clock is Unix time in milliseconds in every session's zone.
func TestClockOfMariaDB(t *testing.T) {
	t.Parallel()
	dsn := testserver.SharedMariaDB(t).Database(t)
	for _, zone := range []string{"%2B00:00", "-11:00", "%2B12:30"} {
		db := connectMariaDB(t, dsn+"&time_zone=%27"+zone+"%27")
		s := newStore(t, db)
		if err := errors.Join(s.Create(t.Context()), s.Register(t.Context(), []string{"x"})); err != nil {
			t.Fatal(err)
		}
		rec, err := s.Get(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Since(time.UnixMilli(rec.NowMS)).Abs(); off > time.Minute {
			t.Errorf("in the zone %s the server's clock is %s off", zone, off)
		}
	}
}
