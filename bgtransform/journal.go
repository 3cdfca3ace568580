package bgtransform

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Image is one row before and after a batch has changed it. The two texts are
// the kind's own; they must lose nothing of what the row held, and be valid
// UTF-8 without zero bytes, which not every database keeps.
type Image struct {
	Key    string // the row's key as text, as in [RowFailure]
	Before string // what the batch has overwritten
	After  string // what the row holds instead, as the database stores it
}

// Reverter is an optional extension of [Transform], which [Rows] and [SQL]
// implement: a kind that can write its images back.
type Reverter interface {
	// OpenRevert prepares an attempt that reverts, as [Transform].Open prepares
	// one that transforms.
	OpenRevert(ctx context.Context, db *bun.DB) (Undoer, error)
}

// Undoer writes images back. It is used by one goroutine at a time.
type Undoer interface {
	// Undo makes each row that still holds the image's After hold its Before
	// again, inside the runner's transaction, and returns what became of each
	// image, in their order. It must leave every other row alone. No two images
	// are of the same row. It may be called again, in a new transaction.
	Undo(ctx context.Context, tx bun.Tx, images []Image) ([]Undone, error)
}

// Undone says what a revert has made of one journal entry.
type Undone string

// What may become of a journal entry.
const (
	UndoneReverted Undone = store.Reverted // the row holds its before-image again
	UndoneChanged  Undone = store.Changed  // left: the row no longer held the after-image
	UndoneGone     Undone = store.Gone     // left: the row is no longer there
)

// journal keeps what a batch has changed, in the batch's transaction. r is the
// checkpoint without what the batch has done.
func (a *attempt) journal(ctx context.Context, tx bun.Tx, r store.Range, images []Image) error {
	if len(images) == 0 {
		return nil
	}
	entries := make([]store.JournalEntry, len(images))
	for i, im := range images {
		entries[i] = store.JournalEntry{Key: im.Key, Before: im.Before, After: im.After}
	}
	return a.fence.Journal(ctx, tx, r, entries)
}
