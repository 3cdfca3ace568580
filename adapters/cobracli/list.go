package cobracli

import (
	"cmp"
	"context"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (c *commands) list() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List all transforms, a line each",
		Args:  nothing,
		RunE: c.run(func(ctx context.Context, s *session) error {
			all, err := s.look(ctx)
			if err != nil {
				return err
			}
			if all == nil {
				all = []bgtransform.Status{}
			}
			return s.answer(all, s.listText(all))
		}),
	}
}

// nothingYet is for a database without any transform.
const nothingYet = "no transform has ever run in this database; start the app first"

func (s *session) listText(all []bgtransform.Status) string {
	if len(all) == 0 {
		return nothingYet + "\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i, cell := range cells {
			cells[i] = cmp.Or(plain(cell), "-")
		}
		_, _ = w.Write([]byte(strings.Join(cells, "\t") + "\n"))
	}
	row("TRANSFORM", "STATE", "DONE", "ROWS", "RATE", "FINISH", "WHY")
	for _, st := range all {
		finish := ""
		if st.Finish.State == bgtransform.ForecastReady || st.Finish.State == bgtransform.ForecastOverdue {
			finish = st.Finish.String()
		}
		state := string(st.State)
		if !st.Stuck.IsZero() {
			state += ", stuck"
		}
		row(st.Transform, state, percent(st.Progress), thousands(st.Rows), rateText(st), finish, s.reasonLine(st))
	}
	_ = w.Flush()
	return b.String()
}
