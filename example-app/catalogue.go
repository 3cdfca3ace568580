package main

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// catalogue is what the app does with its tracks, by the queries of its release.
type catalogue struct {
	db *bun.DB
	release
}

// track returns a track, or sql.ErrNoRows.
func (c *catalogue) track(ctx context.Context, id int64) (track, error) {
	return c.tracks.find(ctx, c.db, id)
}

// page asks for tracks in the order of their ids.
type page struct {
	MinLengthMS *int64 // nil: any
	After       int64  // id after which it begins
	Limit       int64
}

// list returns a page of tracks.
func (c *catalogue) list(ctx context.Context, p page) ([]track, error) {
	return c.tracks.list(ctx, c.db, p)
}

// edit is what a user changes of a track. What is nil stays as it is.
type edit struct {
	Title, Artist *string
	LengthMS      *int64
}

// add makes a track.
func (c *catalogue) add(ctx context.Context, e edit) (t track, err error) {
	err = c.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if t, err = c.tracks.insert(ctx, tx, e); err != nil {
			return err
		}
		return remember(ctx, tx, t.ID, c.written(*e.LengthMS))
	})
	return t, err
}

// change edits a track and returns it as it is then, or sql.ErrNoRows.
func (c *catalogue) change(ctx context.Context, id int64, e edit) (t track, err error) {
	err = c.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if t, err = c.tracks.update(ctx, tx, id, e); err != nil || e.LengthMS == nil {
			return err
		}
		return correct(ctx, tx, id, c.written(*e.LengthMS))
	})
	return t, err
}

// last returns the highest id, 0 when there is no track.
func (c *catalogue) last(ctx context.Context) (id int64, err error) {
	return id, c.db.NewSelect().Table("tracks").ColumnExpr("COALESCE(MAX(id), 0)").Scan(ctx, &id)
}

// healthTimeout bounds the questions behind /healthz.
const healthTimeout = time.Second

// ping reports whether the catalogue can be read.
func (c *catalogue) ping(ctx context.Context) error {
	_, err := c.tracks.list(ctx, c.db, page{After: 1 << 62, Limit: 1})
	return err
}
