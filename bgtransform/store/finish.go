package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// credible is how many ttls a finisher has left at most. One with more is of a clock that
// was set back since.
const credible = 10

// AskFinish asks whoever holds a transform to hand it over to a process that finishes it in
// the foreground, for ttl from now on, and again each time it is called. It reports false
// while another process has asked for the same. Finisher must be unique for each call of
// the user's. The first time, by and why go to the operators' log.
func (s *Store) AskFinish(ctx context.Context, name, finisher, by, why string, ttl time.Duration) (granted bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*Intent)(nil)).Set("finisher = ?", finisher).Set("finish_until_ms = ?", s.after(ttl)).
			Where("name = ?", name).
			Where("finisher = ? OR finisher = '' OR finish_until_ms <= ? OR finish_until_ms > ?", finisher, s.now(), s.after(credible*ttl)).Exec(ctx)
		if err != nil {
			return err
		}
		var in Intent
		if err := tx.NewSelect().Model(&in).Column("finisher").Where("name = ?", name).Scan(ctx); err != nil {
			return err
		}
		granted = in.Finisher == finisher
		if !granted || by == "" {
			return nil
		}
		_, err = tx.NewInsert().Model(&Action{Name: name, Action: "finish", ByWhom: by, Why: why}).Value("at_ms", "?", s.now()).Exec(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ask to finish transform %q: %w", name, s.missing(err))
	}
	return granted, nil
}

// EndFinish takes back what a finisher has asked for.
func (s *Store) EndFinish(ctx context.Context, name, finisher string) error {
	_, err := s.db.NewUpdate().Model((*Intent)(nil)).Set("finisher = ''").Set("finish_until_ms = 0").
		Where("name = ? AND finisher = ?", name, finisher).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end to finish transform %q: %w", name, err)
	}
	return nil
}

// Finishing reports whether a process other than the given one finishes the transform in
// the foreground. Only a record that was loaded knows it: the time is the server's.
func (r Record) Finishing(finisher string) bool {
	return r.Intent.Finisher != "" && r.Intent.Finisher != finisher && r.Intent.FinishUntilMS > r.NowMS
}
