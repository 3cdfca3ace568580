package benchtest_test

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
)

// What follows is written as one writes it by hand for one table: without a
// guard, a fence, a checkpoint, a timeout or a second look.

// placeholders spells the ? of a statement as the server wants them.
func (s *server) placeholders(query string) string {
	if s.name != "PostgreSQL" {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// bareSQL is the keyset loop with one UPDATE a range, past bun.
func (s *server) bareSQL(ctx context.Context, _ int) error {
	next := s.placeholders("SELECT max(id) FROM (SELECT id FROM tracks WHERE id > ? ORDER BY id LIMIT " + strconv.Itoa(batchSize) + ") AS k")
	update := s.placeholders("UPDATE tracks SET length_ms = length * 1000 WHERE id > ? AND id <= ? AND length_ms IS NULL")
	for last := int64(0); ; {
		var high sql.NullInt64
		if err := s.db.DB.QueryRowContext(ctx, next, last).Scan(&high); err != nil || !high.Valid {
			return err
		}
		if _, err := s.db.DB.ExecContext(ctx, update, last, high.Int64); err != nil {
			return err
		}
		last = high.Int64
	}
}

// oneUpdate is the statement that one does not run in production.
func (s *server) oneUpdate(ctx context.Context, _ int) error {
	_, err := s.db.ExecContext(ctx, "UPDATE tracks SET length_ms = length * 1000 WHERE length_ms IS NULL")
	return err
}

// slim is what the bulk update writes.
type slim struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	LengthMS *int64 `bun:"length_ms"`
}

// bareBulk is the bun loop: select, bulk write, one transaction a batch.
func (s *server) bareBulk(ctx context.Context, rows int) error {
	columns, write := s.bulk()
	return s.pages(ctx, rows, batchSize, columns, write)
}

// bulk returns which columns the bun loop reads, and how it writes them: with one bulk
// VALUES update. MariaDB knows none: there it is an insert of whole rows, which exist
// already.
func (s *server) bulk() (columns []string, write func(ctx context.Context, tracks []Track) error) {
	columns, statement := []string{"id", "length"}, updateBulk
	if s.name == "MariaDB" {
		columns, statement = []string{"id", "title", "length"}, upsertBulk
	}
	return columns, func(ctx context.Context, tracks []Track) error {
		return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return statement(ctx, tx, tracks) })
	}
}

func updateBulk(ctx context.Context, tx bun.Tx, tracks []Track) error {
	batch := make([]slim, len(tracks))
	for i := range tracks {
		batch[i] = slim{ID: tracks[i].ID, LengthMS: new(tracks[i].Length * 1000)}
	}
	_, err := tx.NewUpdate().Model(&batch).Column("length_ms").Bulk().Exec(ctx)
	return err
}

func upsertBulk(ctx context.Context, tx bun.Tx, tracks []Track) error {
	for i := range tracks {
		tracks[i].LengthMS = new(tracks[i].Length * 1000)
	}
	_, err := tx.NewInsert().Model(&tracks).On("DUPLICATE KEY UPDATE").Set("length_ms = VALUES(length_ms)").Exec(ctx)
	return err
}

// rowByRow is the script: every row an UPDATE of its own, committed at once.
func (s *server) rowByRow(ctx context.Context, rows int) error {
	return s.pages(ctx, rows, batchSize, []string{"id", "length"}, func(ctx context.Context, tracks []Track) error { return updateEach(ctx, s.db, tracks) })
}

// rowByRowTx is the script of somebody who knows what a commit costs.
func (s *server) rowByRowTx(ctx context.Context, rows int) error {
	return s.pages(ctx, rows, batchSize, []string{"id", "length"}, func(ctx context.Context, tracks []Track) error {
		return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return updateEach(ctx, tx, tracks) })
	})
}

func updateEach(ctx context.Context, db bun.IDB, tracks []Track) error {
	for _, tr := range tracks {
		if _, err := db.NewUpdate().Model(&Track{ID: tr.ID, LengthMS: new(tr.Length * 1000)}).Column("length_ms").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pages gives the rows to fn, batch by batch, up to the last row given.
func (s *server) pages(ctx context.Context, rows, batch int, columns []string, fn func(ctx context.Context, tracks []Track) error) error {
	for last := int64(0); last < int64(rows); {
		var tracks []Track
		err := s.db.NewSelect().Model(&tracks).Column(columns...).Where("id > ? AND id <= ? AND length_ms IS NULL", last, rows).
			OrderExpr("id").Limit(int64(batch)).Scan(ctx)
		if err != nil || len(tracks) == 0 {
			return err
		}
		if err := fn(ctx, tracks); err != nil {
			return err
		}
		last = tracks[len(tracks)-1].ID
	}
	return nil
}
