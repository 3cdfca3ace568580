package bgtransform

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// planHost says when the batches of a plan begin, and what follows when one fails.
type planHost struct {
	// ready waits until the next batch may begin, and returns how many keys it may have.
	ready func(ctx context.Context) (size int, err error)

	// begin returns the context of one batch, and what is to be called at its end.
	begin func(ctx context.Context, size int) (_ context.Context, end func(PlanBatch, error))

	// tx calls fn in a transaction, and rolls it back when fn returns an error.
	tx func(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error

	// again returns nil if a batch that has failed is to be tried once more, else the
	// error that ends the plan.
	again func(ctx context.Context, err error) error
}

// planAlone makes a plan without lease or window.
func (s *Scheduler) planAlone(ctx context.Context, e *entry, o PlanOptions) (Plan, error) {
	opened, cancel := s.opening(ctx, e)
	defer cancel()
	stepper, err := contain(opened, func() (Stepper, error) { return e.transform.Open(opened, s.db) })
	if err != nil {
		if !isSchema(err) {
			err = foreign(stepper, err)
		}
		return Plan{}, err
	}
	h := &loneHost{s: s, pacer: throttle.New(e.pace().limits), retry: backoff.Backoff{Min: 50 * time.Millisecond, Max: 5 * time.Second}}
	return newPlanner(s, e, o, planHost{ready: h.ready, begin: h.begin, tx: h.tx, again: h.again}, stepper, h.pacer).run(ctx)
}

// opening returns the context that a transform is opened with for a plan.
func (s *Scheduler) opening(ctx context.Context, e *entry) (context.Context, context.CancelFunc) {
	b := s.cfg.bounds()
	b.row = e.settings.rowTimeout
	return context.WithTimeoutCause(withBounds(ctx, b), s.cfg.BatchTimeout, ErrOverran)
}

// loneHost lets batches begin at the transform's pace.
type loneHost struct {
	s     *Scheduler
	pacer *throttle.Pacer
	retry backoff.Backoff
}

func (h *loneHost) ready(ctx context.Context) (int, error) {
	return h.pacer.Size(), backoff.Sleep(ctx, h.pacer.Wait().For)
}

func (h *loneHost) begin(ctx context.Context, _ int) (context.Context, func(PlanBatch, error)) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.s.cfg.BatchTimeout, ErrOverran)
	return ctx, func(_ PlanBatch, err error) {
		cancel()
		if err == nil {
			h.retry.Reset()
		}
	}
}

func (h *loneHost) tx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return h.s.d.Transact(ctx, h.s.db, h.s.cfg.bounds().limits(), fn)
}

// again tries a batch once more that met a lock, a bad moment of the database or of
// the user's code, or that was too large.
func (h *loneHost) again(ctx context.Context, err error) error {
	wait := h.retry.Next()
	if h.retry.Tries() >= transientTries {
		return err
	}
	if later, ok := errors.AsType[*laterError](err); ok {
		return backoff.Sleep(ctx, later.wait)
	}
	switch h.s.classify(err) {
	case dialect.Timeout, dialect.BadRow:
		if h.pacer.Size() == 1 {
			return err
		}
		h.pacer.Shrink()
	case dialect.Transient:
	default:
		return err
	}
	return backoff.Sleep(ctx, wait)
}
