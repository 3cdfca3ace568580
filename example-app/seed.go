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
// which serves already is not kept waiting.
const chunk = 2000

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
		err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return seedChunk(ctx, tx, want, s) })
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
	var tracks []Track
	for ; s.BadDone < s.Bad && len(tracks) < chunk; s.BadDone++ {
		tracks = append(tracks, badTrack(s.BadDone))
	}
	for ; s.TracksDone < s.Tracks && len(tracks) < chunk; s.TracksDone++ {
		tracks = append(tracks, oldTrack(s.TracksDone))
	}
	if err := insertOld(ctx, tx, tracks); err != nil {
		return err
	}
	*out = *s
	_, err = tx.NewInsert().Model(s).On("CONFLICT (id) DO UPDATE").
		Set("tracks = EXCLUDED.tracks").Set("tracks_done = EXCLUDED.tracks_done").
		Set("bad = EXCLUDED.bad").Set("bad_done = EXCLUDED.bad_done").Exec(ctx)
	return err
}

// insertOld writes tracks without length_ms, and the truth about them: a bad
// length has none.
func insertOld(ctx context.Context, tx bun.Tx, tracks []Track) error {
	if len(tracks) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&tracks).Exec(ctx); err != nil {
		return err
	}
	truths := make([]truth, len(tracks))
	for i, t := range tracks {
		truths[i] = truth{TrackID: t.ID}
		if ms := t.Length * 1000; ms >= 0 {
			truths[i].LengthMS = &ms
		}
	}
	_, err := tx.NewInsert().Model(&truths).Exec(ctx)
	return err
}

// oldTrack is the n-th track of the catalogue: the same one each time.
func oldTrack(n int64) Track {
	words := [...]string{"River", "Lantern", "Harbour", "Winter", "Signal", "Meadow", "Engine", "Comet", "Paper", "Island"}
	return Track{
		Title:  fmt.Sprintf("%s %s No. %d", words[n%10], words[n/10%10], n+1),
		Artist: "The " + words[n/100%10] + "s",
		Length: 90 + n*7919%400,
	}
}

// badTrack is the n-th track whose length some old bug has spoilt.
func badTrack(n int64) Track {
	return Track{Title: fmt.Sprintf("Broken Record No. %d", n+1), Artist: "The Importers", Length: -1 - n}
}
