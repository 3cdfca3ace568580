package main

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// truth is what the app itself knows of a track's length: it is written in the
// same transaction as the track, whenever a track is made or its length edited.
// Neither requests nor the transform read it; it is there to find them out.
type truth struct {
	bun.BaseModel `bun:"table:truth,alias:truth"`

	TrackID  int64  `bun:"track_id,pk"`
	LengthMS *int64 `bun:"length_ms"` // null: the length is bad, and must stay unmoved until somebody fixes it
	Edits    int64  `bun:"edits"`     // tells a truth from an equal one before it
}

// remember records the length that a user has given a new track.
func remember(ctx context.Context, tx bun.Tx, id, ms int64) error {
	_, err := tx.NewInsert().Model(&truth{TrackID: id, LengthMS: &ms}).Exec(ctx)
	return err
}

// correct records the length that a user has changed. It must come after the
// change of the track, whose lock then puts editors of one track in order.
func correct(ctx context.Context, tx bun.Tx, id, ms int64) error {
	_, err := tx.NewUpdate().Model((*truth)(nil)).Set("length_ms = ?", ms).Set("edits = edits + 1").Where("track_id = ?", id).Exec(ctx)
	return err
}

// tally compares the whole table with the truth. -1 means not known.
type tally struct {
	Tracks    int64 `bun:"tracks"`
	Wrong     int64 `bun:"wrong"`     // length_ms is set, and is not what the truth says
	Remaining int64 `bun:"remaining"` // length_ms is null, although the truth is known: still to be moved
}

// tallyTimeout bounds the comparison, which reads the whole table, so that an
// app that is stopping does stop.
const tallyTimeout = 30 * time.Second

// truthOf compares the tables. It works after ctx has ended too, but then it
// must be quick.
func truthOf(ctx context.Context, db *bun.DB) tally {
	limit := tallyTimeout
	if ctx.Err() != nil {
		limit = 300 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	var t tally
	err := db.NewRaw(`
		SELECT count(*) AS tracks,
			count(CASE WHEN t.length_ms <> u.length_ms OR t.length_ms IS NOT NULL AND u.length_ms IS NULL THEN 1 END) AS wrong,
			count(CASE WHEN t.length_ms IS NULL AND u.length_ms IS NOT NULL THEN 1 END) AS remaining
		FROM tracks AS t LEFT JOIN truth AS u ON u.track_id = t.id`).Scan(ctx, &t)
	if err != nil {
		return tally{-1, -1, -1}
	}
	return t
}

// truths returns what is known of the next n tracks from an id on.
func (c *catalogue) truths(ctx context.Context, from, n int64) ([]truth, error) {
	var all []truth
	return all, c.db.NewSelect().Model(&all).Where("track_id >= ? AND track_id < ?", from, from+n).OrderExpr("track_id").Scan(ctx)
}
