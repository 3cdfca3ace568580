package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// Decision is what becomes of a transform that nobody is to work on meanwhile.
type Decision struct {
	State      string
	ReasonCode string
	Reason     string

	// Settled says that nothing is to be moved of what anybody wrote who was there so far:
	// the transform counts as contracted, and what operators wanted of it and no attempt
	// has followed is void.
	Settled bool
}

// errOvertaken is returned where something else has happened to the transform meanwhile.
var errOvertaken = errors.New("it has changed meanwhile; try again")

// Decide writes what was decided about a transform by one who does not hold it, and the
// log of actions, in one transaction. judge is called with the record as it is, and may
// refuse. The fence is raised: no attempt that began before can commit any more.
func (s *Store) Decide(ctx context.Context, act Action, judge func(Record) (Decision, error)) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// The log comes first: on SQLite it takes the write lock before the read.
		if _, err := tx.NewInsert().Model(&act).Value("at_ms", "?", s.now()).Exec(ctx); err != nil {
			return err
		}
		rec, err := s.get(ctx, tx, act.Name)
		if err != nil {
			return err
		}
		d, err := judge(rec)
		if err != nil {
			return err
		}
		return s.decide(ctx, tx, rec, d)
	})
	if err != nil {
		return fmt.Errorf("%s transform %q: %w", act.Action, act.Name, s.missing(err))
	}
	return nil
}

func (s *Store) decide(ctx context.Context, tx bun.Tx, rec Record, d Decision) error {
	name := rec.Transform.Name
	fence := tx.NewUpdate().Model((*Range)(nil)).Set("attempt = attempt + 1").Set("heartbeat_ms = 0").
		Where("name = ? AND range_no = 0 AND attempt = ? AND beats = ?", name, rec.Range.Attempt, rec.Range.Beats)
	state := tx.NewUpdate().Model((*Transform)(nil)).Where("name = ?", name).Set("state = ?", d.State).
		Set("reason_code = ?", d.ReasonCode).Set("reason = ?", d.Reason).Set("reason_until_ms = 0").Set("updated_ms = ?", s.now())
	if d.Settled {
		fence = fence.Set("restarts = ?", rec.Intent.Restarts).Set("retries = ?", rec.Intent.Retries).Set("swept_ms = ?", s.now())
		state = state.Set("contracted_ms = CASE WHEN contracted_ms = 0 THEN ? ELSE contracted_ms END", s.now())
	}
	res, err := fence.Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return cmpErr(err, errOvertaken)
	}
	if err := exec(ctx, state); err != nil {
		return err
	}
	// A new revision is what every instance looks for.
	return exec(ctx, tx.NewUpdate().Model((*Intent)(nil)).Set("revision = revision + 1").Where("name = ?", name))
}
