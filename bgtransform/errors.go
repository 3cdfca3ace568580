package bgtransform

import (
	"errors"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

var (
	// ErrUnknownTransform is returned by [Control] for a transform that no
	// instance has ever registered in this database, and by [Scheduler.Plan] and
	// [Scheduler.Finish] for one that is not registered with them. Its message says
	// which name may have been meant, or which there are.
	ErrUnknownTransform = store.ErrNotFound

	// ErrNoTables is returned by [Control] together with ErrUnknownTransform where the
	// tables of this package are not there: no instance has started, or the user of the
	// database may not make them, which the app then has in its log.
	ErrNoTables = store.ErrNoTables

	// ErrNotAllowed is returned by [Control] for an action that the transform's
	// state does not allow, such as resuming one that is complete.
	ErrNotAllowed = errors.New("not allowed in this state")

	// ErrFenced ends an attempt after a newer one has taken over. User code and
	// custom kinds see it as the cause of their context at most.
	ErrFenced = store.ErrFenced
)

// The causes with which the context of a batch ends early. Clean-up is over
// soon after; nothing of the batch is written.
var (
	// ErrStopped is the cause when the scheduler stops and the grace is over.
	ErrStopped = errors.New("bgtransform: the scheduler is stopping")

	// ErrWindowClosed is the cause when the window has closed during a batch that
	// took longer than the batches before it, and Config.WindowGrace is over.
	ErrWindowClosed = errors.New("bgtransform: the window closed")

	// ErrCritical is the cause when one of the health signals says that what is
	// under way must end at once.
	ErrCritical = throttle.ErrCritical

	// ErrOverran is the cause when a batch took longer than Config.BatchTimeout.
	ErrOverran = errors.New("bgtransform: the batch took too long")
)
