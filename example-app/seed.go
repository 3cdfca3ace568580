package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// seeding is how far the catalogue has been filled: one row, which is written in
// the transaction of each chunk, so that a start after a kill goes on with the
// next track.
type seeding struct {
	bun.BaseModel `bun:"table:seeding"`

	ID         int64 `bun:"id,pk"`
	Tracks     int64 `bun:"tracks"`
	TracksDone int64 `bun:"tracks_done"`
	Bad        int64 `bun:"bad"`
	BadDone    int64 `bun:"bad_done"`
}

func (s *seeding) left() int64 { return s.Tracks - s.TracksDone + s.Bad - s.BadDone }

// raise sets the goal. The first start of a catalogue sets it from its flags and
// defaults; later ones only raise it, and only to what they are asked for.
func (s *seeding) raise(want seeds, first bool) {
	if first || want.AskedTracks {
		s.Tracks = max(s.Tracks, want.Tracks)
	}
	if first || want.AskedBad {
		s.Bad = max(s.Bad, want.Bad)
	}
}

// chunk is how many tracks one transaction adds: few enough that another process
// which serves already is not kept waiting. digits in seedsql.go bounds it.
const chunk = 10_000

// seed fills the catalogue with the tracks of years: rows as an app wrote them
// that knew only the old column. It is resumable, and safe in several processes
// at once. report is called after each chunk.
func seed(ctx context.Context, db *bun.DB, want seeds, report func(done, total int64)) error {
	for {
		s, first, err := loadSeeding(ctx, db)
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		s.raise(want, first)
		if !first && s.left() == 0 { // also when the database is read-only
			return nil
		}
		err = exclusive(ctx, db, func(ctx context.Context, tx bun.Tx) error { return seedChunk(ctx, tx, want, s) })
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		report(s.TracksDone+s.BadDone, s.Tracks+s.Bad)
	}
}

func loadSeeding(ctx context.Context, db bun.IDB) (s *seeding, first bool, err error) {
	s = &seeding{ID: 1}
	err = db.NewSelect().Model(s).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return s, true, nil
	}
	return s, false, err
}

// seedChunk adds the next tracks, the bad ones first.
func seedChunk(ctx context.Context, tx bun.Tx, want seeds, out *seeding) error {
	s, first, err := loadSeeding(ctx, tx) // again: another process may have added some
	if err != nil {
		return err
	}
	s.raise(want, first)
	var last int64
	if err := tx.NewSelect().Table("tracks").ColumnExpr("COALESCE(MAX(id), 0)").Scan(ctx, &last); err != nil {
		return err
	}
	bad := min(s.Bad-s.BadDone, chunk)
	old := min(s.Tracks-s.TracksDone, chunk-bad)
	if err := insertOld(ctx, tx, badTracks, s.BadDone, bad); err != nil {
		return err
	}
	if err := insertOld(ctx, tx, oldTracks, s.TracksDone, old); err != nil {
		return err
	}
	if err := knowOld(ctx, tx, last); err != nil {
		return err
	}
	s.BadDone += bad
	s.TracksDone += old
	*out = *s
	if first {
		_, err = tx.NewInsert().Model(s).Exec(ctx)
	} else {
		_, err = tx.NewUpdate().Model(s).WherePK().Exec(ctx)
	}
	return err
}
