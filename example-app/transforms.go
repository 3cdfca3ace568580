package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// transforms returns the library's commands. They work on the database of a running
// app, with a scheduler of their own that does not run.
func transforms(getenv func(string) string) *cobra.Command {
	var address string
	cmd := cobracli.New(func(context.Context) (cobracli.App, error) {
		at, err := parseDatabase(cmp.Or(address, getenv("DATABASE_URL")), "rw")
		if err != nil {
			return cobracli.App{}, err
		}
		if _, err := os.Stat(at.file); at.file != "" && err != nil {
			return cobracli.App{}, fmt.Errorf("there is no database %s; start the app first, or name another with --db", at.name)
		}
		db, err := at.open()
		if err != nil {
			return cobracli.App{}, err
		}
		sched, err := newPlanner(db)
		return cobracli.App{DB: db, Scheduler: sched, Close: db.Close}, err
	})
	cmd.PersistentFlags().StringVar(&address, "db", "", databaseHelp+"; or DATABASE_URL")
	return cmd
}

// newPlanner returns a scheduler for a command: it has the app's transform, and does not
// run by itself.
func newPlanner(db *bun.DB) (*bgtransform.Scheduler, error) {
	sched, err := bgtransform.New(db, bgtransform.Config{
		Limits: pace(), Logger: slog.New(slog.DiscardHandler), LeaseTTL: leaseTTL, FleetRules: poolRules(false),
	})
	if err != nil {
		return nil, err
	}
	rel, err := release2()
	if err != nil {
		return nil, err
	}
	return sched, rel.register(sched)
}
