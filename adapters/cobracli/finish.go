package cobracli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (c *commands) finish() *cobra.Command {
	cmd := &cobra.Command{
		Use: "finish NAME", Short: "Do what is left now, here, and wait for it",
		Long: "Do what is left of a transform in this process, without window and pace, and wait until it is complete. A\n" +
			"running app hands it over, and takes it back when this ends early, be it by Ctrl-C: nothing is lost or\n" +
			"done twice. The exit code is 3 where only a human can bring it to its end, with the reason.",
		Args: oneName, ValidArgsFunction: c.completeName,
	}
	by := c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		who, err := by()
		if err != nil {
			return err
		}
		if s.Scheduler == nil {
			return errNoCode
		}
		f := s.follower()
		var shown error
		err = s.Scheduler.Finish(ctx, words[0], bgtransform.FinishOptions{By: who, Progress: func(st bgtransform.Status) {
			if shown == nil {
				shown = f.show(st)
			}
		}})
		if err != nil {
			return err
		}
		return shown
	})
	return cmd
}
