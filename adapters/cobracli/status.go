package cobracli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// How much of the quarantine and of the operators' log a status shows.
const (
	statusRows    = 10
	statusActions = 5
)

func (c *commands) statusCommand() *cobra.Command {
	var watch bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status [NAME…]",
		Short: "Show all that is known of transforms",
		Long: "Show all that is known of the named transforms, or of all.\n\n" +
			"With --watch it follows them, on a terminal with a bar in place, until they are complete\n" +
			"(exit code 0), have failed or are cancelled (3), or until Ctrl-C (0).",
		ValidArgsFunction: c.completeNames,
		RunE: c.runOn(func(ctx context.Context, s *session, names []string) error {
			if !watch {
				return s.status(ctx, names)
			}
			if every < 100*time.Millisecond {
				return usagef("--every is %s; want 100ms or more", every)
			}
			return s.watch(ctx, names, every)
		}),
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "follow them")
	cmd.Flags().DurationVar(&every, "every", time.Second, "with --watch, how often to look")
	return cmd
}

// status shows the named transforms, or all.
func (s *session) status(ctx context.Context, names []string) error {
	all, err := s.look(ctx, names...)
	if err != nil {
		return err
	}
	if s.json {
		return encode(s.out, append([]bgtransform.Status{}, all...))
	}
	if len(all) == 0 {
		return s.answer(nil, s.listText(nil))
	}
	ctx, cancel := brief(ctx)
	defer cancel()
	texts := make([]string, len(all))
	for i, st := range all {
		d := details{st: st}
		if !isUnstarted(st) {
			if d.rows, err = s.control.Quarantined(ctx, st.Transform, statusRows); err != nil {
				return err
			}
			if d.actions, err = s.control.Actions(ctx, st.Transform, statusActions); err != nil {
				return err
			}
		}
		texts[i] = s.statusText(d)
	}
	return s.answer(nil, strings.Join(texts, "\n"))
}
