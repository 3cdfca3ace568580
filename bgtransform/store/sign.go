package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Sign is what an instance says of a transform that it does not advance, for
// those who look from outside of it.
type Sign struct {
	bun.BaseModel `bun:"table:bgtransform_signs,alias:s"`

	Name          string `bun:"name,pk,type:varchar(100)"`
	Instance      string `bun:"instance,pk,type:varchar(200)"`
	ReasonCode    string `bun:"reason_code,notnull,type:varchar(40)"`
	Reason        string `bun:"reason,notnull,type:text"`
	ReasonUntilMS int64  `bun:"reason_until_ms,notnull,type:bigint"`
	SeenMS        int64  `bun:"seen_ms,notnull,type:bigint"`
}

// Sign writes what an instance says, in place of what it said before.
func (s *Store) Sign(ctx context.Context, sign Sign) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model(&sign).Column("reason_code", "reason", "reason_until_ms", "seen_ms").
			Value("seen_ms", "?", s.now()).WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		_, err = tx.NewInsert().Model(&sign).Value("seen_ms", "?", s.now()).Ignore().Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("write sign of %q: %w", sign.Name, err)
	}
	return nil
}

// Unsign removes what an instance said of the named transforms.
func (s *Store) Unsign(ctx context.Context, instance string, names ...string) error {
	_, err := s.db.NewDelete().Model((*Sign)(nil)).Where("instance = ? AND name IN (?)", instance, bun.List(names)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove signs of %q: %w", instance, err)
	}
	return nil
}

// signAge is how old a sign may be: instances that were killed leave theirs.
const signAge = 24 * time.Hour

// Signs returns what instances said last, the newest first.
func (s *Store) Signs(ctx context.Context) ([]Sign, error) {
	var signs []Sign
	err := s.db.NewSelect().Model(&signs).Where("seen_ms > ? - ?", s.now(), signAge.Milliseconds()).
		OrderExpr("seen_ms DESC, instance").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signs: %w", s.missing(err))
	}
	return signs, nil
}
