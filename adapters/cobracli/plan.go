package cobracli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// errNoCode is for commands that need more than a database.
var errNoCode = errors.New("this command needs the code of the transform, and the app gives it none (cobracli.App.Scheduler is nil)")

func (c *commands) plan() *cobra.Command {
	var o bgtransform.PlanOptions
	cmd := &cobra.Command{
		Use: "plan NAME", Short: "Show what a transform would do, tried on a sample",
		Long: "Show what a transform would do: some batches are tried and rolled back. No app needs to run. The rows\n" +
			"that --examples shows hold what users have stored.",
		Args: oneName, ValidArgsFunction: c.completeName,
		RunE: c.runOn(func(ctx context.Context, s *session, words []string) error {
			if s.Scheduler == nil {
				return errNoCode
			}
			if o.Batches < 1 || o.Batches > 100 || o.Examples < 0 || o.Examples > 100 {
				return usagef("--batches is %d and --examples %d; want 1 to 100 batches and 0 to 100 examples", o.Batches, o.Examples)
			}
			plan, err := s.Scheduler.Plan(ctx, words[0], o)
			if err != nil {
				return err
			}
			return s.answer(plan, plan.String())
		}),
	}
	cmd.Flags().IntVar(&o.Batches, "batches", 8, "how many batches are tried")
	cmd.Flags().IntVar(&o.Examples, "examples", 0, "show this many rows, as they are and as they would be")
	return cmd
}
