package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/adapters/redisset"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// dearer changes a value in place: a row does not show whether it is done, and
// one that is done twice is wrong.
func dearer(name string, p bgtransform.Processed) bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: name, Reads: []string{"length"}, Writes: []string{"length"}, Processed: p,
		Each: func(_ context.Context, m *Track) error {
			m.Length += 1_000_000
			return nil
		},
	}
}

// inRedis is a set in the Redis of the process.
func inRedis(t testing.TB) bgtransform.Processed {
	t.Helper()
	return bgtransform.ProcessedIn(redisset.New(newLease(t).Client()))
}

func wantDearer(t *testing.T, db *bun.DB, n int64) {
	t.Helper()
	if got := count(t, db, "SELECT count(*) FROM tracks WHERE length = id + 1000000"); got != n {
		t.Errorf("%d of %d rows were done exactly once", got, n)
	}
}

func TestI2ProcessedSetInTheDatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1000)
		in := start(t, db, quick(t), dearer("x", bgtransform.ProcessedInDatabase()))
		st := in.untilState("x", bgtransform.StateComplete)
		wantDearer(t, db, 1000)
		if st.Rows != 1000 || st.Pass != 2 {
			t.Errorf("%d rows in %d passes, want 1000 in 2", st.Rows, st.Pass)
		}
		must(t, in.Control().Restart(t.Context(), "x", ann)) // the set stays, so nothing is done again
		st = in.until("x", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
		wantDearer(t, db, 1000)
		if st.Rows != 0 {
			t.Errorf("the second run has done %d rows", st.Rows)
		}
		in.stop()

		s, err := store.New(db)
		must(t, err)
		forgotten := 0
		for {
			n, err := s.ForgetProcessed(t.Context(), "x", 300)
			must(t, err)
			if n == 0 {
				break
			}
			forgotten += n
		}
		if forgotten != 1000 {
			t.Errorf("%d keys were in the set, want 1000", forgotten)
		}
	})
}

func TestI2ProcessedSetInRedis(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1000)
		st := start(t, db, quick(t), dearer("x", inRedis(t))).untilState("x", bgtransform.StateComplete)
		wantDearer(t, db, 1000)
		if st.Rows != 1000 || st.Pass != 2 {
			t.Errorf("%d rows in %d passes, want 1000 in 2", st.Rows, st.Pass)
		}
	})
}

// faultySet fails after it has marked keys, so that the transaction is rolled
// back while the marks are there.
type faultySet struct {
	bgtransform.ProcessedSet

	mu    sync.Mutex
	marks int
}

func (f *faultySet) Mark(ctx context.Context, at bgtransform.Mark, keys []string) error {
	if err := f.ProcessedSet.Mark(ctx, at, keys); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.marks++; f.marks%2 == 1 {
		return errors.New("the answer was lost")
	}
	return nil
}

// A transaction that is rolled back leaves its marks in the set: they count for
// nothing, or its rows would be lost.
func TestI2MarksOfARolledBackBatchCountForNothing(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	set := &faultySet{ProcessedSet: redisset.New(newLease(t).Client())}
	start(t, db, quick(t), dearer("x", bgtransform.ProcessedIn(set))).untilState("x", bgtransform.StateComplete)
	wantDearer(t, db, 1000)
	if set.marks < 20 {
		t.Errorf("%d marks, want one that fails and one that does not for each of 10 batches", set.marks)
	}
}

// A row that the app changes between our read and our write is not marked: the
// next pass does it, from what the app has written.
func TestI3ProcessedSetLeavesRowsThatMovedOn(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]bgtransform.Processed{"database": bgtransform.ProcessedInDatabase(), "redis": inRedis(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, 100)
			r := dearer("x", p)
			each := r.Each
			var once sync.Once
			r.Each = func(ctx context.Context, m *Track) error {
				if m.ID == 50 {
					once.Do(func() { exec(t, db, "UPDATE tracks SET length = 7 WHERE id = 50") })
				}
				return each(ctx, m)
			}
			st := start(t, db, quick(t), r).untilState("x", bgtransform.StateComplete)
			if got := count(t, db, "SELECT length FROM tracks WHERE id = 50"); got != 1_000_007 {
				t.Errorf("the row holds %d, want the user's 7, done once", got)
			}
			if st.Moved != 1 || st.Rows != 100 {
				t.Errorf("%d moved on, %d rows; want 1 and 100", st.Moved, st.Rows)
			}
		})
	}
}

// User code may do all of its work elsewhere: nothing is written but the marks.
func TestProcessedSetWithoutWrites(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		var mu sync.Mutex
		sent := map[int64]int{}
		fails := true
		r := bgtransform.Rows[Track]{
			Name: "send", Reads: []string{"title"}, Processed: bgtransform.ProcessedInDatabase(),
			Each: func(_ context.Context, m *Track) error {
				mu.Lock()
				defer mu.Unlock()
				if m.ID == 13 && fails {
					return fmt.Errorf("refused")
				}
				sent[m.ID]++
				return nil
			},
		}
		in := start(t, db, quick(t), r)
		in.untilReason("send", bgtransform.ReasonQuarantine)
		mu.Lock()
		fails = false
		mu.Unlock()
		must(t, in.Control().Retry(t.Context(), "send", ann))
		in.untilState("send", bgtransform.StateComplete)
		if len(sent) != 300 {
			t.Errorf("%d rows were sent, want 300", len(sent))
		}
		for id, n := range sent {
			if n != 1 {
				t.Errorf("row %d was sent %d times", id, n)
			}
		}
	})
}

func TestRowsWithoutPendingNeedASet(t *testing.T) {
	t.Parallel()
	s, err := bgtransform.New(newDB(t, 0), quick(t))
	must(t, err)
	if err := s.Register(dearer("x", bgtransform.Processed{})); err == nil {
		t.Error("a transform without a pending condition and without a set was taken")
	}
	must(t, s.Register(dearer("x", bgtransform.ProcessedInDatabase())))
}
