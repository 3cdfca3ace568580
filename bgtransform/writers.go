package bgtransform

import (
	"context"
	"errors"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// WriterLister is an optional extension of [Stepper] that knows which transactions
// are open. A pass cannot see what they have written; so that it is not missed, the
// pass that completes the transform begins after all have ended that had written
// before. [Rows] and [SQL] know; the pass of a kind that does not begins at once.
type WriterLister interface {
	// OpenWriters returns the transactions that may have written to the rows that
	// are walked, and have not ended. Who is not among them has ended so that its
	// rows are seen from now on. It is called before the first batch of a pass, and
	// about every second while one waits. An error that wraps [ErrWritersUnseen]
	// says that they cannot be seen: then a pass waits for ten seconds instead.
	OpenWriters(ctx context.Context) ([]OpenWriter, error)
}

// OpenWriter is a transaction that has not ended.
type OpenWriter struct {
	ID  string        // no other transaction has it while this one is open
	Who string        // how an operator finds it; it is shown, so it must quote no row
	Age time.Duration // since it began; negative when that is not known
}

// ErrWritersUnseen says that the database does not show which transactions are
// open. MariaDB and MySQL show them to users with the right PROCESS.
var ErrWritersUnseen = errors.New("bgtransform: the database does not show which transactions are open")

// OpenWriters implements [WriterLister].
func (w *walker) OpenWriters(ctx context.Context) ([]OpenWriter, error) {
	if w.d.Writers == nil {
		return nil, nil
	}
	open, err := w.d.Writers(ctx, w.db, w.limits, w.named())
	if errors.Is(err, dialect.ErrWritersUnseen) {
		return nil, ErrWritersUnseen
	}
	if err != nil {
		return nil, err
	}
	found := make([]OpenWriter, len(open))
	for i, o := range open {
		found[i] = OpenWriter(o)
	}
	return found, nil
}
