package bgtransform

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"
)

// What the user's code takes is not the database's time, however many rows are
// done side by side.
func TestCodeIsNotTheDatabasesTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		used := &spent{}
		ctx := context.WithValue(t.Context(), spentKey{}, used)
		c := &caller{timeout: time.Minute}
		for _, parallel := range []int{1, 4} {
			_, done, err := c.each(ctx, 8, parallel, 0, func(context.Context, int) error {
				<-time.After(time.Second)
				return nil
			})
			if err != nil || done != 8 {
				t.Fatalf("%d rows done, %v", done, err)
			}
		}
		database, code, waited := used.parts(11*time.Second, sql.DBStats{})
		if database != time.Second || code != 10*time.Second || waited != 0 {
			t.Errorf("of 11s the database took %v, code %v and the pool %v; want 1s, 10s and 0", database, code, waited)
		}
		if database, code, _ = used.parts(3*time.Second, sql.DBStats{}); database != 0 || code != 3*time.Second {
			t.Errorf("of 3s the database took %v and code %v; want 0 and 3s", database, code)
		}
	})
}

func TestWaitsForConnectionsAreEstimated(t *testing.T) {
	t.Parallel()
	began := sql.DBStats{WaitCount: 10, WaitDuration: time.Hour}
	for name, tt := range map[string]struct {
		count int64
		total time.Duration
		want  time.Duration
	}{
		"nobody waited":         {0, 0, 0},
		"one waited":            {1, time.Second, time.Second},
		"many waited":           {20, 10 * time.Second, time.Second},
		"longer than the batch": {2, time.Minute, 5 * time.Second},
	} {
		used := &spent{pool: began}
		database, _, waited := used.parts(5*time.Second, sql.DBStats{WaitCount: 10 + tt.count, WaitDuration: time.Hour + tt.total})
		if waited != tt.want || database != 5*time.Second-tt.want {
			t.Errorf("%s: waited %v and the database took %v, want %v of 5s", name, waited, database, tt.want)
		}
	}
}

// A pool that has run out is seen.
func TestAPoolThatHasRunOutIsNotTheDatabasesTime(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	busy, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	used := &spent{pool: db.Stats()}
	began := time.Now()
	got := make(chan error, 1)
	go func() { got <- db.PingContext(t.Context()) }() // ends once busy is given back
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for db.Stats().WaitCount == 0 {
		<-tick.C
	}
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	database, _, waited := used.parts(took, db.Stats())
	if waited <= 0 || database >= took {
		t.Errorf("of %v the database took %v and the pool %v", took, database, waited)
	}
}
