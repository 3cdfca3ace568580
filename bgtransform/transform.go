package bgtransform

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Transform is what [Scheduler.Register] takes. [Rows] and [SQL] are the two
// ready-made kinds; implement it for anything else (another source or sink, a
// delete, an insert into another table): the runner gives every kind the same
// lease, fence, checkpoints, pacing, quarantine and control.
type Transform interface {
	// Definition returns the name and the options. It must not change.
	Definition() Definition

	// Open prepares an attempt. It is called once an attempt holds the lease,
	// with the app's database, and may query it. An error here is shown in the
	// status and tried again with backoff: the schema may simply not be there yet.
	Open(ctx context.Context, db *bun.DB) (Stepper, error)
}

// Checker is an optional extension of [Transform]: Register calls Check, which
// must not do I/O, and refuses the transform when it returns an error.
type Checker interface {
	Check(db *bun.DB) error
}

// Stepper walks the rows of one attempt. It is used by one goroutine at a time.
type Stepper interface {
	// Step reads the next range of keys and does everything that needs no
	// transaction, user code included. It must stop soon after ctx ends.
	Step(ctx context.Context, req Request) (Step, error)
}

// Rechecker is an optional extension of [Stepper] that lets quarantined rows
// leave the quarantine once the app has fixed or deleted them.
type Rechecker interface {
	// StillPending returns those of keys (as in [RowFailure]) that are still
	// pending. There are at most a few hundred keys.
	StillPending(ctx context.Context, db bun.IDB, keys []string) ([]string, error)
}

// Estimator is an optional extension of [Stepper]: a cheap estimate, without
// counting, of the keys after a cursor, when walked keys lie before it. It
// returns -1 when it does not know.
type Estimator interface {
	Remaining(ctx context.Context, after string, walked int64) (int64, error)
}

// Request asks a [Stepper] for one batch.
type Request struct {
	After string // the cursor: empty for the first batch of a pass, else what the last Step returned
	Limit int    // keys that the range may hold at most; at least 1
	// Budget is how long user code should take at most: a stepper that is past it
	// ends its range early, so that slow code gets small batches. Zero means no limit.
	Budget time.Duration

	Skip Skips // keys in quarantine, which must be neither transformed nor counted

	// Check says that [Step].StillPending will be asked, if rows are changed.
	Check bool

	retried Skips // keys in quarantine that are tried again: which of them were written is asked for
}

// Step is one batch, ready to be written.
type Step struct {
	// Cursor is the position after this batch: the key of the range's last row.
	// It must differ from Request.After unless Last is set. When the range
	// holds exactly one key it is that row's key, under which the runner
	// quarantines the row if its write alone is refused by the database.
	Cursor string
	Last   bool // no key follows the range
	Keys   int  // keys in the range, pending or not

	// Checked is how many rows a verification has compared (see [Verifier]).
	Checked int

	// Failed are the rows that user code could not transform.
	Failed []RowFailure

	// Apply writes the batch inside the runner's transaction, after the fence
	// was checked. It may be called again, in a new transaction, when the
	// database asked for a retry. Nil when there is nothing to write.
	Apply func(ctx context.Context, tx bun.Tx) (Applied, error)

	// StillPending returns, inside the same transaction, the keys of rows that
	// Apply has written and that are pending all the same. The runner asks on
	// the first batch of an attempt and in every pass but the first. Nil when
	// the kind cannot tell.
	StillPending func(ctx context.Context, tx bun.Tx) ([]string, error)

	// expect is what Apply will most likely have done. The checkpoint says so
	// beforehand, and is written once more only where it turns out differently.
	expect Applied

	journals int // as expect: how many images there will be
}

// Applied is what [Step].Apply did. A pass that found rows is followed by
// another. A kind without a pending condition, such as one that copies each row
// once, leaves Found 0: then the first pass is the last.
type Applied struct {
	Found   int // rows that were pending, without those that failed
	Changed int // rows written; the others found had moved on since they were read

	// Images are the rows written, as they were and as they are now. The runner
	// keeps them in the journal, in the same transaction, for [Control.Revert].
	// Empty for a kind that keeps none.
	Images []Image

	Mismatches []Mismatch // what a verification has found (see [Verifier])

	retried []string // keys of Request.retried that were written; empty for other kinds than our own
}

// moved returns how many rows had moved on.
func (a Applied) moved() int { return max(0, a.Found-a.Changed) }

// RowFailure is one row that could not be transformed.
type RowFailure struct {
	Key   string // the row's key as text: a cursor that points at it
	Class string // what kind of failure: an error's type, "panic", "timeout", "constraint"
	Err   error  // kept in the quarantine table only; never logged
}

// Definition names a transform and says how it is to run.
type Definition struct {
	Name    string
	Options Options

	// Revision stands for what the transform does: any text that changes with
	// it. A run that was begun under another one is walked again from its first
	// row, and a complete transform is opened again. [Rows] and [SQL] make it of
	// their fields.
	Revision string
}

// Options are what one transform may set for itself. The zero value takes
// everything from [Config]; environment flags win over both, and what an operator
// sets with [Control.Tune] wins over all.
type Options struct {
	// After names transforms that must be complete before this one starts.
	After []string
	// DualWritten says that this version of the app writes what the transform makes of a
	// row whenever it writes the row, and that an older one does not: then the transform
	// starts only when every live instance of the pool has it registered, and holds when an
	// older one comes back. What that has written meanwhile is looked for by a verification
	// with repair (see [Verifier]). A [DualWriter] needs no such word.
	DualWritten bool
	// Disabled keeps the transform from running until a flag enables it.
	Disabled bool
	// Window is when batches may run. The zero value means Config.Window.
	Window window.Window
	// Limits is how fast batches may run. Zero fields are taken from Config.Limits.
	Limits throttle.Limits
	// Journal keeps of every row that the transform changes what its columns
	// held before and after, in the transaction that changes them, so that
	// [Control.Revert] can write it back. It costs a read and an insert for each
	// row changed, and the disk space, until [Control.DropJournal]. It is for
	// [Rows] and [SQL]; other kinds hand images in [Applied]. What a verification
	// repairs is kept in the same way. Off by default.
	Journal bool
	// VerifySample is the share of the rows that is verified whenever the
	// transform has become complete, as in [VerifyOptions]: 1 for all rows, 0 for
	// none. Nothing is repaired. Defaults to 0.
	VerifySample float64
	// Signals are watched for this transform only, such as a vacuum of its table,
	// beside those of Config.Signals.
	Signals []throttle.Signal
	// RowTimeout bounds the user's code for one row, or one call of a batch
	// function. Defaults to Config.RowTimeout.
	RowTimeout time.Duration
}
