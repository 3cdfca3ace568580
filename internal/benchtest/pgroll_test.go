package benchtest_test

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"testing"

	"github.com/uptrace/bun"
)

// preparePgroll gives the table what pgroll's expand step does: a column that
// marks the rows which still need the new value, and a trigger that computes it
// whenever a row is written. The trigger looks at the search path, by which
// pgroll tells the app's versions apart.
func preparePgroll(tb testing.TB, s *server) {
	tb.Helper()
	exec(tb, s.db,
		"ALTER TABLE tracks ADD COLUMN needs_backfill boolean DEFAULT true",
		`CREATE OR REPLACE FUNCTION tracks_fill() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE
			id tracks.id%TYPE := NEW.id;
			title tracks.title%TYPE := NEW.title;
			length tracks.length%TYPE := NEW.length;
			path text;
		BEGIN
			SELECT current_setting INTO path FROM current_setting('search_path');
			IF path <> 'tracks_version_2' THEN
				NEW.length_ms = length * 1000;
				NEW.needs_backfill = false;
			END IF;
			RETURN NEW;
		END $$`,
		"CREATE TRIGGER tracks_fill BEFORE INSERT OR UPDATE ON tracks FOR EACH ROW EXECUTE FUNCTION tracks_fill()",
	)
}

// pgroll backfills as pgroll does: a statement locks the next marked rows and
// writes their key to itself, so that the trigger does the work.
func (s *server) pgroll(ctx context.Context, _ int) error {
	query := `WITH batch AS (
			SELECT id FROM tracks WHERE needs_backfill = true AND id > $1 ORDER BY id LIMIT ` + strconv.Itoa(batchSize) + ` FOR NO KEY UPDATE
		), touched AS (
			UPDATE tracks SET id = tracks.id FROM batch WHERE tracks.id = batch.id RETURNING tracks.id
		)
		SELECT last_value(id) OVER () FROM touched`
	for last := int64(0); ; {
		err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			return tx.Tx.QueryRowContext(ctx, query, last).Scan(&last)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
