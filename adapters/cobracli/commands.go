package cobracli

import (
	"context"

	"github.com/spf13/cobra"
)

// commands makes the commands.
type commands struct {
	config

	open Open
	root *cobra.Command // the one that the app mounts
}

// The groups in which the help lists the commands.
const (
	groupLook  = "look"
	groupSteer = "steer"
	groupProve = "prove"
)

// New returns the command that has all the others beneath it, to be added to a command
// of the app, or to be run by itself. It says nothing on errors but what cobra prints:
// one line, and no usage.
func New(open Open, opts ...Option) *cobra.Command {
	c := &commands{config: newConfig(opts), open: open}
	c.root = &cobra.Command{
		Use:   c.name,
		Short: "Watch and steer the transforms of the app's data",
		Long: "Watch and steer the transforms of the app's data.\n\n" +
			"The commands work on the database of a running app, which heeds them within seconds, or\n" +
			"within a minute once all is complete. Alone it is the same as status.",
		Args: someWord,
		RunE: c.run(func(ctx context.Context, s *session) error { return s.status(ctx, nil) }),
	}
	c.root.PersistentFlags().Bool("json", false, "write JSON, for programs")
	c.root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	c.root.AddGroup(
		&cobra.Group{ID: groupLook, Title: "Look:"},
		&cobra.Group{ID: groupSteer, Title: "Steer:"},
		&cobra.Group{ID: groupProve, Title: "Prove, and contract:"},
	)
	c.add(groupLook, c.list(), c.statusCommand(), c.explain(), c.plan(), c.log(), c.quarantine(), c.fleet())
	c.add(groupSteer, c.actions()...)
	c.add(groupSteer, c.tune(), c.untune(), c.runNow(), c.finish(), c.journal(), c.dropJournal())
	c.add(groupProve, c.verify(), c.mismatches(), c.reads(), c.gateCommand())
	c.root.SilenceUsage = true
	return c.root
}

func (c *commands) add(group string, all ...*cobra.Command) {
	for _, cmd := range all {
		cmd.GroupID, cmd.SilenceUsage = group, true
		c.root.AddCommand(cmd)
	}
}

// run returns what cobra calls for a command that ends soon.
func (c *commands) run(fn func(ctx context.Context, s *session) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		return c.with(cmd, fn)
	}
}

// runOn is run for a command with the name of a transform, or several words.
func (c *commands) runOn(fn func(ctx context.Context, s *session, words []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, words []string) error {
		return c.with(cmd, func(ctx context.Context, s *session) error { return fn(ctx, s, words) })
	}
}
