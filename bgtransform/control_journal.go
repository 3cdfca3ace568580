package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Revert writes back what the columns of every row held before the transform
// changed it, the newest change first, in throttled batches of the same kind
// as the transform's own, until the journal (Options.Journal) has no entry
// left; then the transform is reverted, and stays so until it is restarted. A
// row that the app has changed or deleted since is left as it is and listed
// by [Control.Journal]. It can be paused, resumed, cancelled and asked for again.
//
// Roll the app back first, to a version that works with the old values and
// does not write the new ones.
//
// [Control.Retry] tries again what the database has refused, and nothing else. An
// entry whose row has changed stays as it was left, even if the app later sets the
// row back to what the transform had made of it: that value is the app's then, and
// nobody could tell it from one that was never touched.
func (c *Control) Revert(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "revert", Desired: store.Run, Restart: true, Mode: store.ModeRevert})
}

// JournalEntry is one change that a transform has made to one row. The images
// are the transform kind's own text of the row's values: show them to operators
// only.
type JournalEntry struct {
	Key      string `json:"key"`      // the primary key's values, as in [QuarantinedRow]
	Standing string `json:"standing"` // open, reverted, or why it was left: changed, gone or refused
	Run      int64  `json:"run"`      // that has made the change
	Before   string `json:"before"`
	After    string `json:"after"`
}

// Journal returns at most limit entries of a transform's journal. Those that a
// revert has left come first, then those it would write back, then those it has
// written back; the newest first in each.
func (c *Control) Journal(ctx context.Context, name string, limit int) ([]JournalEntry, error) {
	rows, err := c.store.Journal(ctx, name, limit, append(store.Left(), store.Open, store.Reverted)...)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	out := make([]JournalEntry, len(rows))
	for i, e := range rows {
		out[i] = JournalEntry{Key: keyText(e.Key), Standing: e.Standing, Run: e.Run, Before: e.Before, After: e.After}
	}
	return out, nil
}

// dropPause is the rest between two transactions of [Control.DropJournal].
const dropPause = 20 * time.Millisecond

// DropJournal deletes a transform's journal, once what the transform has made
// is accepted: there is no revert any more. It deletes in small transactions
// with rests in between, and may take long; when it is interrupted by ctx, or
// fails, call it again. It returns how many entries it has deleted.
func (c *Control) DropJournal(ctx context.Context, name string, by By) (deleted int64, err error) {
	change := store.Change{Action: "drop-journal"}
	if err := c.act(ctx, name, by, change); err != nil {
		return 0, err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return deleted, fmt.Errorf("bgtransform: drop journal of %q: %w", name, context.Cause(ctx))
		case <-timer.C:
		}
		n, err := c.store.Drop(ctx, name, func(rec store.Record) error { return allow(rec, change.Action) })
		if err != nil {
			return deleted, fmt.Errorf("bgtransform: %w", err)
		}
		if n == 0 {
			return deleted, nil
		}
		deleted += n
		timer.Reset(dropPause)
	}
}
