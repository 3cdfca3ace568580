package bgtransform_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/adapters/redisset"
	"github.com/bgtransform/sidecar/bgtransform"
)

// unsureSet fails after every other call that changes it, so that the transaction
// is rolled back while what it did to the set is there.
type unsureSet struct {
	bgtransform.ProcessedSet

	marks, unmarks atomic.Int64
}

func (u *unsureSet) Mark(ctx context.Context, at bgtransform.Mark, keys []string) error {
	return every2nd(&u.marks, u.ProcessedSet.Mark(ctx, at, keys))
}

func (u *unsureSet) Unmark(ctx context.Context, at bgtransform.Mark, keys []string) error {
	return every2nd(&u.unmarks, u.ProcessedSet.Unmark(ctx, at, keys))
}

func every2nd(n *atomic.Int64, err error) error {
	if err == nil && n.Add(1)%2 == 1 {
		return errors.New("the answer was lost")
	}
	return err
}

// A row that a revert has written back is no longer in the set of processed keys,
// wherever that is and whatever fails: the next run does each row once more, also
// the one that it leaves as it is, but not the one that the revert has left.
func TestI2RevertTakesRowsOutOfTheSet(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		redis := &unsureSet{ProcessedSet: redisset.New(newLease(t).Client())}
		for name, p := range map[string]bgtransform.Processed{"database": bgtransform.ProcessedInDatabase(), "redis": bgtransform.ProcessedIn(redis)} {
			exec(t, db, "DROP TABLE IF EXISTS tracks")
			seed(t, db, 300)
			before := snapshot(t, db, allTracks)
			r := dearer(name, p)
			r.Options.Journal = true
			each, calls := r.Each, new(atomic.Int64)
			r.Each = func(ctx context.Context, m *Track) error {
				if m.ID == 70 {
					calls.Add(1)
					return nil
				}
				return each(ctx, m)
			}
			in := start(t, db, quick(t), r)
			in.untilState(name, bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length = 7 WHERE id = 9")
			once := calls.Load()
			must(t, in.Control().Revert(t.Context(), name, ann))
			if st := in.untilState(name, bgtransform.StateReverted); st.Rows != 299 || st.Moved != 1 {
				t.Errorf("%s: %d rows were written back, %d left; want 299 and 1", name, st.Rows, st.Moved)
			}
			same(t, snapshot(t, db, allTracks), before, "9")

			must(t, in.Control().Restart(t.Context(), name, ann))
			if st := in.untilState(name, bgtransform.StateComplete); st.Rows != 299 {
				t.Errorf("%s: the next run has done %d rows, want 299", name, st.Rows)
			}
			wantDearer(t, db, 298)
			if n := count(t, db, "SELECT length FROM tracks WHERE id = 9"); n != 7 {
				t.Errorf("%s: the row that the app has changed since holds %d, want its 7", name, n)
			}
			if calls.Load() == once {
				t.Errorf("%s: a row that is left as it is was not pending again", name)
			}
			in.stop()
		}
		if redis.unmarks.Load() < 6 {
			t.Errorf("marks were taken back %d times, want one that fails and one that does not for each of 3 batches", redis.unmarks.Load())
		}
	})
}

// The column that says up to where a row is done is written back too, so that the
// next run finds the row pending.
func TestI5RevertTakesTheWatermarkBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		bySQL := bgtransform.SQL[Page]{Name: "sql", Set: "words = length(body)", Writes: []string{"words"}, Watermark: byWatermark()}
		bySQL.Options.Journal = true
		rows := countWords("rows")
		rows.Options.Journal = true
		for name, transform := range map[string]bgtransform.Transform{"rows": rows, "sql": bySQL} {
			exec(t, db, "DROP TABLE IF EXISTS pages")
			newPages(t, db, 250)
			all := "SELECT id, body, words, changed, counted FROM pages"
			before := snapshot(t, db, all)
			in := start(t, db, quick(t), transform)
			in.untilState(name, bgtransform.StateComplete)
			must(t, in.Control().Revert(t.Context(), name, ann))
			if st := in.untilState(name, bgtransform.StateReverted); st.Rows != 250 || st.Moved != 0 {
				t.Errorf("%s: %d rows were written back, %d left; want 250 and 0", name, st.Rows, st.Moved)
			}
			same(t, snapshot(t, db, all), before)
			must(t, in.Control().Restart(t.Context(), name, ann))
			if st := in.untilState(name, bgtransform.StateComplete); st.Rows != 250 {
				t.Errorf("%s: the next run has done %d rows, want 250", name, st.Rows)
			}
			in.stop()
		}
	})
}
