package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// JournalEntry is one change of one row: what it held before, and after.
type JournalEntry struct {
	bun.BaseModel `bun:"table:bgtransform_journal,alias:j"`

	Name     string `bun:"name,pk,type:varchar(100)"`
	RangeNo  int64  `bun:"range_no,pk,type:bigint"`
	Standing string `bun:"standing,pk,type:varchar(20)"` // part of the key, so that what is open is found in order
	Seq      int64  `bun:"seq,pk,type:bigint"`           // rises with every entry of the range
	Run      int64  `bun:"run_no,notnull,type:bigint"`
	Pass     int64  `bun:"pass_no,notnull,type:bigint"`
	Key      string `bun:"key_text,notnull,type:text"`
	Before   string `bun:"before_image,notnull,type:text"` // row values: shown only on demand
	After    string `bun:"after_image,notnull,type:text"`
}

// The values of [JournalEntry].Standing.
const (
	Open     = "open"     // a revert would write it back
	Reverted = "reverted" // written back
	Changed  = "changed"  // left: the row no longer held the after-image
	Gone     = "gone"     // left: the row is no longer there
	Refused  = "refused"  // left: the database refuses its before-image, or that of a newer entry of the row
)

// Left lists the standings of entries that a revert has left as they are.
func Left() []string { return []string{Changed, Gone, Refused} }

// What one INSERT may hold: databases bound the length of a statement.
const (
	journalRows  = 500
	journalBytes = 512 << 10
)

// Journal writes entries, in order, after those that r.Journaled counts; the
// checkpoint or [Attempt.Counts] must write the new count. It runs inside the transaction of
// [Attempt.Tx].
func (a Attempt) Journal(ctx context.Context, tx bun.Tx, r Range, entries []JournalEntry) error {
	for from := 0; from < len(entries); {
		to, size := from, 0
		for to < len(entries) && to-from < journalRows && (to == from || size < journalBytes) {
			e := &entries[to]
			r.Journaled++
			e.Name, e.RangeNo, e.Standing, e.Seq, e.Run, e.Pass = a.Name, 0, Open, r.Journaled, r.Run, r.Pass
			size += len(e.Key) + len(e.Before) + len(e.After)
			to++
		}
		part := entries[from:to]
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("write journal: %w", err)
		}
		from = to
	}
	return nil
}

// Entries returns at most limit open entries before a position, the newest
// first; of all when before is 0. It reads as many index entries.
func (s *Store) Entries(ctx context.Context, name string, before int64, limit int) ([]JournalEntry, error) {
	var rows []JournalEntry
	q := s.db.NewSelect().Model(&rows).Where("name = ? AND range_no = 0 AND standing = ?", name, Open).
		OrderExpr("seq DESC").Limit(int64(limit))
	if before > 0 {
		q = q.Where("seq < ?", before)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read journal of %q: %w", name, s.missing(err))
	}
	return rows, nil
}

// Oldest returns the oldest open entry, without its images; nil when there is none.
func (s *Store) Oldest(ctx context.Context, name string) (*JournalEntry, error) {
	return oldest(ctx, s.db, name)
}

func oldest(ctx context.Context, db bun.IDB, name string) (*JournalEntry, error) {
	var rows []JournalEntry
	err := db.NewSelect().Model(&rows).Column("seq", "run_no", "pass_no").
		Where("name = ? AND range_no = 0 AND standing = ?", name, Open).OrderExpr("seq").Limit(1).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read journal of %q: %w", name, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// refused reports whether the database has refused to write an entry back.
func refused(ctx context.Context, db bun.IDB, name string) (bool, error) {
	var seqs []int64
	err := db.NewSelect().Model((*JournalEntry)(nil)).Column("seq").
		Where("name = ? AND range_no = 0 AND standing = ?", name, Refused).Limit(1).Scan(ctx, &seqs)
	if err != nil {
		return false, fmt.Errorf("read journal of %q: %w", name, err)
	}
	return len(seqs) > 0, nil
}

// Settle says what became of the open entries from seq lo to seq hi: those
// listed in left have the standing they are listed under, all others are
// reverted. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) Settle(ctx context.Context, tx bun.Tx, lo, hi int64, left map[string][]int64) error {
	for _, standing := range Left() { // in a fixed order
		for chunk := range slices.Chunk(left[standing], 500) {
			if err := a.restand(ctx, tx, standing, "seq IN (?)", bun.List(chunk)); err != nil {
				return err
			}
		}
	}
	return a.restand(ctx, tx, Reverted, "seq BETWEEN ? AND ?", lo, hi)
}

func (a Attempt) restand(ctx context.Context, tx bun.Tx, standing, which string, args ...any) error {
	_, err := tx.NewUpdate().Model((*JournalEntry)(nil)).Set("standing = ?", standing).
		Where("name = ? AND range_no = 0 AND standing = ?", a.Name, Open).Where(which, args...).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write standing of journal entries: %w", err)
	}
	return nil
}

// Reopen lets a revert try the entries that the database has refused again.
// They are few: a revert fails when there are more than an operator would look
// at. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) Reopen(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewUpdate().Model((*JournalEntry)(nil)).Set("standing = ?", Open).
		Where("name = ? AND range_no = 0 AND standing = ?", a.Name, Refused).Exec(ctx)
	if err != nil {
		return fmt.Errorf("reopen journal entries: %w", err)
	}
	return nil
}

// LeftCounts returns how many entries a revert has left, by their standing.
func (s *Store) LeftCounts(ctx context.Context, name string) (map[string]int64, error) {
	var rows []struct {
		Standing string `bun:"standing"`
		N        int64  `bun:"n"`
	}
	err := s.db.NewSelect().Model((*JournalEntry)(nil)).Column("standing").ColumnExpr("count(*) AS n").
		Where("name = ? AND range_no = 0 AND standing IN (?)", name, bun.List(Left())).Group("standing").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count journal of %q: %w", name, err)
	}
	counts := map[string]int64{}
	for _, r := range rows {
		counts[r.Standing] = r.N
	}
	return counts, nil
}

// LeftKeys returns the keys, positions and standings of at most limit entries
// that a revert has left.
func (s *Store) LeftKeys(ctx context.Context, name string, limit int) ([]JournalEntry, error) {
	var rows []JournalEntry
	err := s.db.NewSelect().Model(&rows).Column("seq", "key_text", "standing").
		Where("name = ? AND range_no = 0 AND standing IN (?)", name, bun.List(Left())).
		Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read journal of %q: %w", name, err)
	}
	return rows, nil
}

// Journal returns at most limit entries of some standings, the newest first
// within each.
func (s *Store) Journal(ctx context.Context, name string, limit int, standings ...string) ([]JournalEntry, error) {
	var all []JournalEntry
	for _, standing := range standings { // one by one, because each is in order
		var rows []JournalEntry
		err := s.db.NewSelect().Model(&rows).Where("name = ? AND range_no = 0 AND standing = ?", name, standing).
			OrderExpr("seq DESC").Limit(int64(limit - len(all))).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("read journal of %q: %w", name, s.missing(err))
		}
		if all = append(all, rows...); len(all) >= limit {
			break
		}
	}
	return all, nil
}
