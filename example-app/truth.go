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

	// Whole says that the last who wrote the length knew whole seconds only. Then
	// nobody can tell which millisecond of that second is right: an older length_ms
	// of the same second, which that writer did not see, may stand there still.
	Whole bool `bun:"whole"`
}

// agrees reports whether a length is what the truth says, for a reader who sees whole
// seconds only, or all of it.
func (u truth) agrees(read int64, whole bool) bool {
	switch {
	case whole:
		return read == *u.LengthMS/1000*1000
	case u.Whole:
		return read/1000 == *u.LengthMS/1000
	default:
		return read == *u.LengthMS
	}
}

// remember records the length that a user has given a new track.
func remember(ctx context.Context, tx bun.Tx, id int64, u truth) error {
	u.TrackID = id
	_, err := tx.NewInsert().Model(&u).Exec(ctx)
	return err
}

// correct records the length that a user has changed. It must come after the
// change of the track, whose lock then puts editors of one track in order.
func correct(ctx context.Context, tx bun.Tx, id int64, u truth) error {
	_, err := tx.NewUpdate().Model((*truth)(nil)).Set("length_ms = ?", u.LengthMS).Set("whole = ?", u.Whole).
		Set("edits = edits + 1").Where("track_id = ?", id).Exec(ctx)
	return err
}

// tally compares the whole table with the truth. -1 means not known.
type tally struct {
	Tracks    int64 `bun:"tracks"`
	Wrong     int64 `bun:"wrong"`     // a column of the length is set, and is not what the truth says
	Remaining int64 `bun:"remaining"` // length_ms is null, although the truth is known: still to be moved
}

// What is wrong and what remains in a row t by its truth u, as far as a release has the columns.
const (
	wrongOld = `
		count(CASE WHEN t.length * 1000 <> u.length_ms - u.length_ms % 1000 THEN 1 END) AS wrong, 0 AS remaining`
	wrongNew = `
		count(CASE WHEN ` + badMS + ` THEN 1 END) AS wrong, ` + remaining
	wrongBoth = `
		count(CASE WHEN ` + badMS + ` OR t.length * 1000 <> u.length_ms - u.length_ms % 1000 THEN 1 END) AS wrong, ` + remaining

	badMS = `t.length_ms - CASE WHEN u.whole THEN t.length_ms % 1000 ELSE 0 END <> u.length_ms
			OR t.length_ms IS NOT NULL AND u.length_ms IS NULL`
	remaining = `
		count(CASE WHEN t.length_ms IS NULL AND u.length_ms IS NOT NULL THEN 1 END) AS remaining`
)

// tallyTimeout bounds the comparison, which reads the whole table, so that an
// app that is stopping does stop.
const tallyTimeout = 30 * time.Second

// truthOf compares the tables by the columns of which wrong tells. It works after
// ctx has ended too, but then it must be quick.
func truthOf(ctx context.Context, db *bun.DB, wrong string) tally {
	limit := tallyTimeout
	if ctx.Err() != nil {
		limit = 300 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	var t tally
	err := db.NewRaw("SELECT count(*) AS tracks, "+wrong+" FROM tracks AS t LEFT JOIN truth AS u ON u.track_id = t.id").Scan(ctx, &t)
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
