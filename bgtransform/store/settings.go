package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"
)

// Setting is a setting of a transform that an operator has changed.
type Setting struct {
	Value   string `json:"value"`
	ByWhom  string `json:"by"`
	Why     string `json:"why,omitempty"`
	SinceMS int64  `json:"since_ms"`
}

// Changed returns the settings that operators have changed, by their names.
func (in Intent) Changed() (map[string]Setting, error) {
	if in.Settings == "" {
		return nil, nil
	}
	var changed map[string]Setting
	if err := json.Unmarshal([]byte(in.Settings), &changed); err != nil {
		return nil, fmt.Errorf("read the settings of %q: %w", in.Name, err)
	}
	return changed, nil
}

// Tune changes the settings of a transform and writes that to the log, in one
// transaction. apply is called with those that are changed so far, and returns
// those that are to be, with what the log says of it. It may refuse. Who changes
// settings at the same time waits: neither undoes what the other has done.
func (s *Store) Tune(ctx context.Context, name string, action Action, apply func(changed map[string]Setting, nowMS int64) (map[string]Setting, string, error)) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// The lock on the row comes before the look at it.
		if err := s.revise(ctx, tx, name); err != nil {
			return err
		}
		rec, err := s.get(ctx, tx, name)
		if err != nil {
			return err
		}
		before, err := rec.Intent.Changed()
		if err != nil {
			return err
		}
		after, what, err := apply(before, rec.NowMS)
		if err != nil {
			return err
		}
		text, err := json.Marshal(after)
		if err != nil {
			return err
		}
		if len(after) == 0 {
			text = nil
		}
		if err := exec(ctx, tx.NewUpdate().Model((*Intent)(nil)).Set("settings = ?", string(text)).Where("name = ?", name)); err != nil {
			return err
		}
		action.Name, action.What = name, what
		_, err = tx.NewInsert().Model(&action).Value("at_ms", "?", s.now()).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s transform %q: %w", action.Action, name, s.missing(err))
	}
	return nil
}

// revise raises the revision of an intent, which locks its row.
func (s *Store) revise(ctx context.Context, tx bun.Tx, name string) error {
	res, err := tx.NewUpdate().Model((*Intent)(nil)).Set("revision = revision + 1").Where("name = ?", name).Exec(ctx)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}
