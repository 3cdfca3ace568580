package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// newPlanner returns a scheduler for a command: it has the app's transform, and does not
// run by itself.
func newPlanner(db *bun.DB) (*bgtransform.Scheduler, error) {
	sched, err := bgtransform.New(db, bgtransform.Config{Limits: pace(), Logger: slog.New(slog.DiscardHandler), LeaseTTL: leaseTTL, FleetRules: poolRules(false)})
	if err != nil {
		return nil, err
	}
	rel, err := release2()
	if err != nil {
		return nil, err
	}
	return sched, rel.register(sched)
}

// showPlan tries a transform on a sample of its rows, rolls that back, and prints what
// it would do and how long it would take. No app needs to run.
func showPlan(ctx context.Context, w io.Writer, db *bun.DB, o order) error {
	sched, err := newPlanner(db)
	if err != nil {
		return err
	}
	plan, err := sched.Plan(ctx, o.name, bgtransform.PlanOptions{Examples: o.examples})
	if err != nil {
		return err
	}
	if o.asJSON {
		return json.NewEncoder(w).Encode(plan)
	}
	_, err = fmt.Fprint(w, plan)
	return err
}
