package testserver

import (
	"context"
	"fmt"
	"time"
)

const (
	// patience is how long a server may take to start, stop or fail over. It is far
	// more than any of them needs, for machines that are busy with other things.
	patience = time.Minute

	// soon is how often a condition is looked at again.
	soon = 10 * time.Millisecond
)

// until calls try until it returns nil. When ctx ends first, it returns the last
// error of try.
func until(ctx context.Context, try func(context.Context) error) error {
	again := time.NewTicker(soon)
	defer again.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// patiently is until for as long as servers are given. It does not depend on a
// test's context, which has ended when the test cleans up.
func patiently(try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return until(ctx, try)
}
