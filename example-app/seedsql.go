package main

import (
	"context"

	"github.com/uptrace/bun"
)

// digits has the words of titles by their number, and so makes a table of four of
// them that counts to chunk: the database makes the tracks itself, for sending a
// million of them would take longer. It is spelled so that all databases know it.
const digits = `(
	SELECT 0 AS d, 'River' AS word UNION ALL SELECT 1, 'Lantern' UNION ALL SELECT 2, 'Harbour' UNION ALL
	SELECT 3, 'Winter' UNION ALL SELECT 4, 'Signal' UNION ALL SELECT 5, 'Meadow' UNION ALL
	SELECT 6, 'Engine' UNION ALL SELECT 7, 'Comet' UNION ALL SELECT 8, 'Paper' UNION ALL SELECT 9, 'Island'
)`

// numbers are those from the one parameter on, as many as the other says.
const numbers = `(
	SELECT ?0 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
	FROM ` + digits + ` AS a CROSS JOIN ` + digits + ` AS b CROSS JOIN ` + digits + ` AS c CROSS JOIN ` + digits + ` AS e
	WHERE a.d + 10 * b.d + 100 * c.d + 1000 * e.d < ?1
) AS numbers`

const (
	// oldTracks are the tracks of the catalogue: the same ones each time.
	oldTracks = `
		SELECT CONCAT(one.word, ' ', ten.word, ' No. ', n + 1), CONCAT('The ', hundred.word, 's'), 90 + n % 400 * 7919 % 400
		FROM ` + numbers + `
		JOIN ` + digits + ` AS one ON one.d = n % 10
		JOIN ` + digits + ` AS ten ON ten.d = (n - n % 10) / 10 % 10
		JOIN ` + digits + ` AS hundred ON hundred.d = (n - n % 100) / 100 % 10
		ORDER BY n`

	// badTracks are those whose length some old bug has spoilt.
	badTracks = `
		SELECT CONCAT('Broken Record No. ', n + 1), 'The Importers', -1 - n
		FROM ` + numbers + ` ORDER BY n`
)

// insertOld adds tracks as the old app did: without length_ms.
func insertOld(ctx context.Context, tx bun.Tx, tracks string, from, n int64) error {
	if n == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO tracks (title, artist, length)"+tracks, from, n)
	return err
}

// knowOld writes the truth about tracks after an id that have none. A bad length
// has no truth: it is null.
func knowOld(ctx context.Context, tx bun.Tx, after int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO truth (track_id, length_ms, edits)
		SELECT id, CASE WHEN length >= 0 THEN length * 1000 END, 0 FROM tracks
		WHERE id > ?0 AND NOT EXISTS (SELECT 1 FROM truth WHERE truth.track_id = tracks.id AND truth.track_id > ?0)`, after)
	return err
}
