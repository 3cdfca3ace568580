package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// Change is what an operator's action does to the intent and the quarantine.
type Change struct {
	Action  string
	ByWhom  string
	Why     string
	Desired string // the new intent; empty leaves it
	Restart bool   // begin a new run
	Mode    string // of the new run
	Retry   bool   // begin a new pass, and try the rows in quarantine again
	Accept  bool   // accept the rows in quarantine as they are

	Verify *Verify // begin a verification, or stop it
}

// Verify is a wish about verification.
type Verify struct {
	Begin bool // else stop
	Share float64
	Mend  bool
}

// Act carries out an operator's action and writes it to the log, in one
// transaction. check is called with the record as it is and may refuse.
func (s *Store) Act(ctx context.Context, name string, c Change, check func(Record) error) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// The log comes first: on SQLite it takes the write lock before the read.
		action := &Action{Name: name, Action: c.Action, ByWhom: c.ByWhom, Why: c.Why}
		if _, err := tx.NewInsert().Model(action).Value("at_ms", "?", s.now()).Exec(ctx); err != nil {
			return err
		}
		rec, err := s.get(ctx, tx, name)
		if err != nil {
			return err
		}
		if c.Mode == ModeRevert {
			entry, err := oldest(ctx, tx, name)
			if err != nil {
				return err
			}
			rec.Journal = entry != nil
		}
		if c.Retry && rec.Range.Mode == ModeRevert {
			if rec.Refused, err = refused(ctx, tx, name); err != nil {
				return err
			}
		}
		if err := check(rec); err != nil {
			return err
		}
		return s.change(ctx, tx, name, c)
	})
	if err != nil {
		return fmt.Errorf("%s transform %q: %w", c.Action, name, s.missing(err))
	}
	return nil
}

func (s *Store) change(ctx context.Context, tx bun.Tx, name string, c Change) error {
	q := tx.NewUpdate().Model((*Intent)(nil)).Where("name = ?", name).
		Set("revision = revision + 1").Set("by_whom = ?", c.ByWhom).Set("why = ?", c.Why).Set("since_ms = ?", s.now())
	if c.Desired != "" {
		q = q.Set("desired = ?", c.Desired)
	}
	if c.Restart {
		q = q.Set("restarts = restarts + 1").Set("mode = ?", c.Mode)
	}
	if c.Retry {
		q = q.Set("retries = retries + 1")
	}
	if v := c.Verify; v != nil {
		q = q.Set("verifies = verifies + 1").Set("verify = ?", v.Begin).Set("verify_share = ?", v.Share).Set("verify_mend = ?", v.Mend)
	}
	if _, err := q.Exec(ctx); err != nil {
		return err
	}
	if c.Accept {
		return exec(ctx, tx.NewUpdate().Model((*Quarantined)(nil)).Set("standing = ?", Accepted).
			Set("by_whom = ?", c.ByWhom).Where("name = ? AND standing <> ?", name, Accepted))
	}
	if c.Retry {
		return exec(ctx, tx.NewUpdate().Model((*Quarantined)(nil)).Set("standing = ?", Retrying).
			Where("name = ? AND standing = ?", name, Held))
	}
	return nil
}

func exec(ctx context.Context, q *bun.UpdateQuery) error {
	_, err := q.Exec(ctx)
	return err
}

// Actions returns the newest actions of operators on a transform, at most limit.
func (s *Store) Actions(ctx context.Context, name string, limit int) ([]Action, error) {
	var rows []Action
	err := s.db.NewSelect().Model(&rows).Where("name = ?", name).OrderExpr("id DESC").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read actions on %q: %w", name, s.missing(err))
	}
	return rows, nil
}
