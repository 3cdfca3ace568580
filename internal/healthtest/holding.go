package healthtest

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Holding is [ToMS] that holds the locks of its first batch until its context ends.
type Holding struct {
	bgtransform.SQL[Track]

	once  atomic.Bool
	cause atomic.Value // why the context ended

	Locked func() // called while it holds them
}

// Open opens it.
func (s *Holding) Open(ctx context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	inner, err := s.SQL.Open(ctx, db)
	return &holdingStepper{inner, s}, err
}

type holdingStepper struct {
	bgtransform.Stepper

	of *Holding
}

func (s *holdingStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	step, err := s.Stepper.Step(ctx, req)
	if apply := step.Apply; apply != nil {
		step.Apply = func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			applied, err := apply(ctx, tx)
			if err == nil && s.of.once.CompareAndSwap(false, true) {
				s.of.Locked()
				<-ctx.Done()
				s.of.cause.Store(context.Cause(ctx))
			}
			return applied, err
		}
	}
	return step, err
}

// Cause returns why its first batch ended.
func (s *Holding) Cause() error {
	err, _ := s.cause.Load().(error)
	return err
}
