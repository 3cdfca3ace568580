package main

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// migration is one change of the schema. It must end in seconds: moving rows is
// what a transform is for.
type migration struct{ Name, SQL string }

// migrations returns the schema's history, oldest first.
//
// The third step comes with a later release, when the transform is complete and
// no reader has fallen back for a while:
//
//	ALTER TABLE tracks DROP COLUMN length
func migrations() []migration {
	return []migration{
		{"1-catalogue", `
			CREATE TABLE tracks (
				id     INTEGER PRIMARY KEY AUTOINCREMENT,
				title  TEXT NOT NULL,
				artist TEXT NOT NULL,
				length INTEGER NOT NULL -- whole seconds
			);
			CREATE TABLE truth ( -- see truth.go
				track_id  INTEGER PRIMARY KEY,
				length_ms INTEGER,
				edits     INTEGER NOT NULL DEFAULT 0
			);
			CREATE TABLE seeding ( -- see seed.go
				id          INTEGER PRIMARY KEY,
				tracks      INTEGER NOT NULL,
				tracks_done INTEGER NOT NULL,
				bad         INTEGER NOT NULL,
				bad_done    INTEGER NOT NULL
			)`},
		// Expand: the new column, nullable, next to the old one.
		{"2-expand-length-ms", `ALTER TABLE tracks ADD COLUMN length_ms INTEGER`},
	}
}

// migrate brings the schema up to date. Several processes may do so at once.
func migrate(ctx context.Context, db *bun.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)"); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, m := range migrations() {
		if err := m.apply(ctx, db); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	return nil
}

// apply looks twice: without a transaction, so that a database which is up to
// date need not be written, and inside it, because another process may be first.
func (m migration) apply(ctx context.Context, db *bun.DB) error {
	if done, err := m.applied(ctx, db); err != nil || done {
		return err
	}
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if done, err := m.applied(ctx, tx); err != nil || done {
			return err
		}
		if _, err := tx.ExecContext(ctx, m.SQL); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO migrations (name) VALUES (?)", m.Name)
		return err
	})
}

func (m migration) applied(ctx context.Context, db bun.IDB) (bool, error) {
	return db.NewSelect().Table("migrations").Where("name = ?", m.Name).Exists(ctx)
}
