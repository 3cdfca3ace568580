package cobracli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (c *commands) fleet() *cobra.Command {
	return &cobra.Command{
		Use: "fleet", Short: "List the instances of the app, and the columns they read", Args: nothing,
		Long: "List the instances of the app that are live, with the stage of each column's move that they are in, and\n" +
			"those that were there within a week. Instances announce themselves where a column moves.",
		RunE: c.run(func(ctx context.Context, s *session) error {
			ctx, cancel := brief(ctx)
			defer cancel()
			all, err := s.control.Fleet(ctx)
			if err != nil {
				return err
			}
			return s.answer(append([]bgtransform.PoolMember{}, all...), s.fleetText(all))
		}),
	}
}

func (s *session) fleetText(all []bgtransform.PoolMember) string {
	var p page
	if len(all) == 0 {
		p.line("no instance has announced itself; each does where a column moves")
	}
	for _, m := range all {
		text := versioned(m.Instance, m.Version, m.Build)
		if m.App != "" {
			text = m.App + ": " + text
		}
		switch {
		case m.Live:
			text += " is live, seen " + s.ago(m.LastSeen)
		case m.Silent:
			text += " is silent, seen " + s.ago(m.LastSeen) + ": it was killed, is frozen or cut off"
		default:
			text += " left " + s.ago(m.Gone)
		}
		var stages []string
		for _, move := range slices.Sorted(maps.Keys(m.Stages)) {
			stages = append(stages, fmt.Sprintf("%s in stage %s", move, m.Stages[move]))
		}
		p.line("%s", because(text, strings.Join(stages, ", ")))
	}
	return p.String()
}
