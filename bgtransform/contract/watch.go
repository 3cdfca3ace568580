package contract

import (
	"context"
	"time"
)

// watching runs fn, and reports how it goes on in the meantime. how asks the server
// on a connection of its own; what it cannot tell is left out. The goroutine that
// reports ends before watching returns.
func (r *run) watching(ctx context.Context, say string, how func(ctx context.Context) (string, error), fn func() error) error {
	reporting, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() { stop(); <-ended }() // also when fn panics
	go func() {
		defer close(ended)
		r.report(reporting, say, how)
	}()
	return fn()
}

// report reports until ctx ends.
func (r *run) report(ctx context.Context, say string, how func(ctx context.Context) (string, error)) {
	began := time.Now()
	tick := time.NewTicker(r.progress)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		state := r.asked(ctx, how)
		if ctx.Err() != nil {
			return
		}
		r.logger.InfoContext(ctx, "contract step goes on", "table", r.table, "step", say, "for", time.Since(began).Round(time.Second), "state", state)
	}
}

// asked returns the answer of how; empty if there is none before the next report.
func (r *run) asked(ctx context.Context, how func(ctx context.Context) (string, error)) string {
	ctx, cancel := context.WithTimeout(ctx, r.progress)
	defer cancel()
	state, err := how(ctx)
	if err != nil {
		return "" // no connection is free, or the user may not see it
	}
	return state
}
