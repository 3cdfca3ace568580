package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// dropRows is how many entries one transaction of [Store.Drop] deletes.
const dropRows = 2000

// Drop deletes the newest entries of a journal, a bounded number in one
// transaction, and returns how many they were; 0 means that there is none left.
// The newest go first: if it is never called again, a revert of the rest leaves
// alone the rows that were changed once more. check is called with the record
// as it is and may refuse.
func (s *Store) Drop(ctx context.Context, name string, check func(Record) error) (int64, error) {
	for _, standing := range []string{Open, Reverted, Changed, Gone, Refused} {
		n, err := s.drop(ctx, name, standing, check)
		if err != nil {
			return 0, fmt.Errorf("drop journal of %q: %w", name, s.missing(err))
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

func (s *Store) drop(ctx context.Context, name, standing string, check func(Record) error) (n int64, err error) {
	var from int64
	err = s.db.NewSelect().Model((*JournalEntry)(nil)).Column("seq").
		Where("name = ? AND range_no = 0 AND standing = ?", name, standing).
		OrderExpr("seq DESC").Limit(1).Offset(dropRows-1).Scan(ctx, &from)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Deleting comes first: on SQLite it takes the write lock before the read.
		res, err := tx.NewDelete().Model((*JournalEntry)(nil)).
			Where("name = ? AND range_no = 0 AND standing = ? AND seq >= ?", name, standing, from).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		rec, err := s.get(ctx, tx, name)
		if err != nil {
			return err
		}
		return check(rec)
	})
	return n, err
}
