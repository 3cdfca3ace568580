package bgtransform_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// tally compares, after every batch, the counts in the database with what the
// batches have done so far.
type tally struct {
	t              testing.TB
	db             *bun.DB
	changed, moved int
	found          map[int64]int // by pass
}

func (c *tally) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	return ctx
}

func (c *tally) BatchEnd(ctx context.Context, info bgtransform.BatchEndInfo) {
	c.changed += info.Changed
	c.moved += info.Moved
	c.found[info.Pass] += info.Found
	var changed, moved, found int
	err := c.db.QueryRowContext(ctx, "SELECT rows_changed, rows_moved, found_in_pass FROM bgtransform_ranges").Scan(&changed, &moved, &found)
	if err != nil {
		c.t.Errorf("read the counts: %v", err)
	}
	if changed != c.changed || moved != c.moved || found != c.found[info.Pass] {
		c.t.Errorf("after batch %d the database counts %d changed, %d moved and %d found; want %d, %d and %d",
			info.Batch, changed, moved, found, c.changed, c.moved, c.found[info.Pass])
	}
}

// Counts are committed with the batch that they count, also where it did something
// else than most batches do.
func TestI2CountsCommitWithTheirBatch(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]func(db *bun.DB) bgtransform.Transform{
		"SQL": func(*bun.DB) bgtransform.Transform { return toMSBySQL("x") },
		"Rows": func(db *bun.DB) bgtransform.Transform {
			r := toMS("x")
			each := r.Each
			r.Each = func(ctx context.Context, m *Track) error {
				if m.ID%77 == 0 && m.Length != 5 {
					exec(t, db, "UPDATE tracks SET length = 5 WHERE id = ?", m.ID) // it moves on
				}
				return each(ctx, m)
			}
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, 1000)
			// The batches of 100 are dense, sparse, and empty.
			exec(t, db, "UPDATE tracks SET length_ms = length * 1000 WHERE id > 400 AND id <= 600 OR id > 600 AND id % 2 = 1")
			cfg := quick(t)
			c := &tally{t: t, db: db, found: map[int64]int{}}
			cfg.Observer = c
			in := start(t, db, cfg, kind(db))
			in.untilState("x", bgtransform.StateComplete)
			in.stop()
			if c.changed != 600 {
				t.Errorf("%d rows were changed, want 600", c.changed)
			}
		})
	}
}
