package main

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// catalogue holds the queries of the app. Everything about a track's length goes
// through the column on the move.
type catalogue struct {
	db     *bun.DB
	length *dualread.Column[Track, int64]
}

// track returns a track, or sql.ErrNoRows.
func (c *catalogue) track(ctx context.Context, id int64) (*Track, error) {
	t := &Track{ID: id}
	return t, c.db.NewSelect().Model(t).WherePK().Scan(ctx)
}

// page asks for tracks in the order of their ids.
type page struct {
	MinLengthMS *int64 // nil: any
	After       int64  // id after which it begins
	Limit       int64
}

// list returns a page of tracks.
func (c *catalogue) list(ctx context.Context, p page) ([]Track, error) {
	var tracks []Track
	q := c.db.NewSelect().Model(&tracks).Where("track.id > ?", p.After).OrderExpr("track.id").Limit(p.Limit)
	if p.MinLengthMS != nil {
		q = q.Where("? >= ?", c.length.Expr(), *p.MinLengthMS) // the dual read, in SQL
	}
	return tracks, q.Scan(ctx)
}

// edit is what a user changes of a track. What is nil stays as it is.
type edit struct {
	Title, Artist *string
	LengthMS      *int64
}

// add makes a track.
func (c *catalogue) add(ctx context.Context, e edit) (*Track, error) {
	t := &Track{}
	c.apply(t, e)
	err := c.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(t).Exec(ctx); err != nil {
			return err
		}
		return remember(ctx, tx, t.ID, *e.LengthMS)
	})
	return t, err
}

// change edits a track and returns it as it is then, or sql.ErrNoRows.
func (c *catalogue) change(ctx context.Context, id int64, e edit) (*Track, error) {
	t := &Track{ID: id}
	err := c.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := tx.NewSelect().Model(t).WherePK().Scan(ctx); err != nil {
			return err
		}
		columns := c.apply(t, e)
		if _, err := tx.NewUpdate().Model(t).Column(columns...).WherePK().Exec(ctx); err != nil {
			return err
		}
		if e.LengthMS == nil {
			return nil
		}
		return correct(ctx, tx, id, *e.LengthMS)
	})
	return t, err
}

// apply sets what e changes and returns the columns to save. An edit that does
// not touch the length saves neither of its columns, so that the row, if it is
// not moved yet, is left to the transform.
func (c *catalogue) apply(t *Track, e edit) (columns []string) {
	if e.Title != nil {
		t.Title, columns = *e.Title, append(columns, "title")
	}
	if e.Artist != nil {
		t.Artist, columns = *e.Artist, append(columns, "artist")
	}
	if e.LengthMS != nil {
		c.length.Write(t, *e.LengthMS) // the dual write
		columns = append(columns, c.length.Columns()...)
	}
	return columns
}

// last returns the highest id, 0 when there is no track.
func (c *catalogue) last(ctx context.Context) (id int64, err error) {
	return id, c.db.NewSelect().Model((*Track)(nil)).ColumnExpr("COALESCE(MAX(id), 0)").Scan(ctx, &id)
}

// healthTimeout bounds the questions behind /healthz.
const healthTimeout = time.Second

// ping reports whether the catalogue can be read.
func (c *catalogue) ping(ctx context.Context) error {
	_, err := c.db.NewSelect().Model((*Track)(nil)).Where("FALSE").Exists(ctx)
	return err
}
