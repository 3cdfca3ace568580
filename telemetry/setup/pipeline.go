package setup

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
)

// pipeline is the part of a signal that has goroutines and must be stopped.
type pipeline struct {
	name     string
	shutdown func(context.Context) error
	abort    func(context.Context) error // interrupts an export that is under way; may be nil
}

// stop shuts the pipeline down, or gives up when ctx ends.
func (p pipeline) stop(ctx context.Context) {
	done := make(chan error, 1)
	go func() { done <- p.shutdown(ctx) }() // ends when the export does, or its own timeout
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if ctx.Err() != nil && p.abort != nil {
		_ = p.abort(ctx) // says again that ctx is done
	}
	if err != nil {
		otel.Handle(fmt.Errorf("telemetry setup: shut down %s: %w", p.name, err))
	}
}
