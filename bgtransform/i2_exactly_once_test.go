package bgtransform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

// tracksTo are rows for the tests that kill at every commit.
func tracksTo(n int) bgtransformtest.Fixture {
	tracks := make([]Track, n)
	for i := range tracks {
		tracks[i] = Track{ID: int64(i + 1), Length: int64(i)}
	}
	return bgtransformtest.Rows(tracks)
}

// The process is killed right before and right after every single commit, and
// told that the connection broke when the commit had in fact taken effect:
// rows, cursor, counters and quarantine are those of an undisturbed run.
func TestI2ExactlyOnceInEffect(t *testing.T) {
	t.Parallel()
	bad := toMS("x")
	each := bad.Each
	bad.Each = func(ctx context.Context, m *Track) error {
		if m.ID%4 == 0 {
			return errors.New("no")
		}
		return each(ctx, m)
	}
	for name, c := range map[string]struct {
		transform bgtransform.Transform
		opts      []bgtransformtest.Option
	}{
		"rows":       {toMS("x"), nil},
		"sql":        {toMSBySQL("x"), nil},
		"quarantine": {bad, []bgtransformtest.Option{bgtransformtest.WithQuarantine(2)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bgtransformtest.KillEverywhere(t, tracksTo(10), c.transform, c.opts...)
		})
	}
}

// Counters commit with the rows: however often it is killed, the status counts
// every row once.
func TestI2ExactlyOnceCounters(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1000)
	audit(t, db)
	for range 5 {
		cfg := quick(t)
		cfg.Locker = pooled{cfg.Locker}
		broken := toMS("x")
		each, rows := broken.Each, 0
		broken.Each = func(ctx context.Context, m *Track) error {
			if rows++; rows > 150 { // in the middle of the second batch of each life
				<-ctx.Done()
				return ctx.Err()
			}
			return each(ctx, m)
		}
		cfg.Grace = 1
		in := start(t, db, cfg, broken)
		from := count(t, db, "SELECT count(*) FROM audit")
		in.until("x", "one batch on", func(st bgtransform.Status) bool { return st.Rows > from })
		in.stop()
	}
	st := start(t, db, quick(t), toMS("x")).untilState("x", bgtransform.StateComplete)
	if st.Rows != 1000 || st.Quarantined != 0 {
		t.Errorf("got %+v; want 1000 rows, and none in quarantine", st)
	}
	wantOnce(t, db, 1000)
}

// Copies are made without a pending condition, and no second pass looks for
// what is missing: only a checkpoint in the rows' own transaction makes that
// neither lost nor done twice.
func TestI2ExactlyOnceWithoutASecondLook(t *testing.T) {
	t.Parallel()
	bgtransformtest.KillEverywhere(t, func(ctx context.Context, db *bun.DB) error {
		if err := tracksTo(10)(ctx, db); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, "CREATE TABLE copies (of INTEGER)")
		return err
	}, copier{})
}

// copier inserts a row for each track. It reports nothing as found, so that the
// first pass is the last.
type copier struct{}

func (copier) Definition() bgtransform.Definition { return bgtransform.Definition{Name: "copier"} }

func (copier) Open(_ context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	return copyStepper{db}, nil
}

type copyStepper struct{ db *bun.DB }

func (c copyStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	var ids []string
	err := c.db.NewSelect().Model((*Track)(nil)).ColumnExpr("CAST(id AS TEXT)").Where("id > CAST(? AS INTEGER)", req.After).
		OrderExpr("id").Limit(int64(req.Limit)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return bgtransform.Step{Cursor: req.After, Last: true}, err
	}
	return bgtransform.Step{
		Cursor: ids[len(ids)-1], Keys: len(ids), Last: len(ids) < req.Limit,
		Apply: func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			_, err := tx.ExecContext(ctx, "INSERT INTO copies SELECT id FROM tracks WHERE id IN (?)", bun.List(ids))
			return bgtransform.Applied{Changed: len(ids)}, err
		},
	}, nil
}
