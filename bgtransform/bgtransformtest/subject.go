package bgtransformtest

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// turn is held by whoever runs the transform's code: several runs go on at
// the same time, because they mostly wait, but code that a user wrote for one
// goroutine must not notice.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn and returns what gives it back.
func (t turn) take(ctx context.Context) (func(), error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// subject is the transform under test as one process runs it: without what
// would keep it waiting in a test, in turn with the other processes, and with
// a hook between its reading and its writing.
type subject struct {
	bgtransform.Transform
	turn turn
	said *said
	own  func(yes bool) // told whether this code runs, or has work to commit

	// read is called after each step that has something to write, before the
	// transaction that writes it; nil for none.
	read func(ctx context.Context) error
}

var (
	_ bgtransform.Checker  = (*subject)(nil)
	_ bgtransform.Reverter = (*subject)(nil)
	_ bgtransform.Verifier = (*subject)(nil)
)

// Definition implements [bgtransform.Transform].
func (s *subject) Definition() bgtransform.Definition {
	def := s.Transform.Definition()
	def.Options = bgtransform.Options{RowTimeout: def.Options.RowTimeout}
	return def
}

// Check implements [bgtransform.Checker].
func (s *subject) Check(db *bun.DB) error {
	if c, ok := s.Transform.(bgtransform.Checker); ok {
		return c.Check(db)
	}
	return nil
}

// Open implements [bgtransform.Transform]. The optional Estimator is left out:
// it has no influence on the outcome. So is WriterLister: nobody else writes.
func (s *subject) Open(ctx context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	done, err := s.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	inner, err := heard(s.said, func() (bgtransform.Stepper, error) { return s.Transform.Open(ctx, db) })
	if err != nil {
		return nil, err
	}
	st := &stepper{Stepper: inner, s: s}
	if r, ok := inner.(bgtransform.Rechecker); ok {
		return &rechecking{stepper: st, inner: r}, nil
	}
	return st, nil
}

// stepper takes the turn around each call of the transform's own.
type stepper struct {
	bgtransform.Stepper
	s *subject
}

func (st *stepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	done, err := st.s.turn.take(ctx)
	if err != nil {
		return bgtransform.Step{}, err
	}
	defer done()
	st.s.own(true)
	step, err := heard(st.s.said, func() (bgtransform.Step, error) { return st.Stepper.Step(ctx, req) })
	st.s.own(step.Apply != nil)
	if err != nil || step.Apply == nil {
		return step, err
	}
	step.Apply = inTurn(st.s, step.Apply)
	if step.StillPending != nil {
		step.StillPending = inTurn(st.s, step.StillPending)
	}
	if st.s.read != nil {
		err = st.s.read(ctx)
	}
	return step, err
}

// inTurn makes a function of a step take the turn.
func inTurn[T any](s *subject, fn func(context.Context, bun.Tx) (T, error)) func(context.Context, bun.Tx) (T, error) {
	return func(ctx context.Context, tx bun.Tx) (T, error) {
		done, err := s.turn.take(ctx)
		if err != nil {
			var none T
			return none, err
		}
		defer done()
		return heard(s.said, func() (T, error) { return fn(ctx, tx) })
	}
}

// rechecking is the stepper of a transform that looks back at its quarantine.
type rechecking struct {
	*stepper
	inner bgtransform.Rechecker
}

func (r *rechecking) StillPending(ctx context.Context, db bun.IDB, keys []string) ([]string, error) {
	done, err := r.s.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return heard(r.s.said, func() ([]string, error) { return r.inner.StillPending(ctx, db, keys) })
}
