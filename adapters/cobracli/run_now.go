package cobracli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (c *commands) runNow() *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use: "run-now NAME", Short: "Run outside the window for an hour, or --for longer",
		Long: "Open the window of a transform from now on for an hour, or --for another time, besides when it is open\n" +
			"anyway. It closes by itself. Its pace, the health signals and the pool hold as ever. It is a change of\n" +
			"the setting window; for good, that is tune NAME window=always.",
		Example: "  run-now track-length-ms --for 2h --why \"the release waits for it\"",
		Args:    oneName, ValidArgsFunction: c.completeName,
	}
	cmd.Flags().DurationVar(&length, "for", time.Hour, "for `how long`: 1m to 12h")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.FixedCompletions([]cobra.Completion{"1h", "2h", "4h", "8h"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder))
	yes, by := assent(cmd), c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		who, err := by()
		if err != nil {
			return err
		}
		question := fmt.Sprintf("Run %s for %s from now on, peak hours too? It ends by itself.", words[0], short(length))
		if err := s.sure(ctx, words[0], *yes, question); err != nil {
			return err
		}
		return s.openWindow(ctx, words[0], who, length)
	})
	return cmd
}

// openWindow runs a transform now, and says until when, and what ends it before.
func (s *session) openWindow(ctx context.Context, name string, by bgtransform.By, length time.Duration) error {
	ctx, cancel := brief(ctx)
	defer cancel()
	before, err := s.control.Status(ctx, name)
	if err != nil {
		return err
	}
	until, err := s.control.RunNow(ctx, name, by, length)
	if err != nil {
		return err
	}
	undo := s.command("untune %s window", name)
	for _, t := range before[0].Tuned {
		if t.Setting == bgtransform.SettingWindow {
			undo = s.command("tune %s window='%s'", name, t.Value)
		}
	}
	var p page
	p.line("%s: its window is open until %s, and closes by itself; a running app heeds it within seconds", name, s.clock(until))
	p.field("to end it", undo)
	return s.answer(Done{Transform: name, Action: "tune", By: by.Who, Why: by.Why, Until: until}, p.String())
}
