package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// Redefined has the rows in quarantine tried again, because the code that
// failed them is another now, and says so in the operators' log. It runs inside
// the transaction of [Attempt.Tx].
func (a Attempt) Redefined(ctx context.Context, tx bun.Tx, instance string) error {
	_, err := tx.NewUpdate().Model((*Quarantined)(nil)).Set("standing = ?", Retrying).
		Where("name = ? AND standing = ?", a.Name, Held).Exec(ctx)
	if err != nil {
		return fmt.Errorf("retry the quarantine: %w", err)
	}
	return a.Log(ctx, tx, Action{Action: "redefine", ByWhom: instance, Why: "its version of the app defines the transform otherwise"})
}

// Log adds to the operators' log what an instance does by itself. It runs inside the
// transaction of [Attempt.Tx].
func (a Attempt) Log(ctx context.Context, tx bun.Tx, act Action) error {
	act.Name = a.Name
	if _, err := tx.NewInsert().Model(&act).Value("at_ms", "?", a.s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("log the action %q: %w", act.Action, err)
	}
	return nil
}
