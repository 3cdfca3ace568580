package cobracli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Done is what a command that changes something says with --json.
type Done struct {
	Transform string    `json:"transform"`
	Action    string    `json:"action"` // as in the log of actions
	By        string    `json:"by"`
	Why       string    `json:"why,omitempty"`
	Deleted   int64     `json:"deleted,omitempty"` // of drop-journal: entries
	Until     time.Time `json:"until,omitzero"`    // of run-now: when the window closes again
}

// action is a command that writes down what an operator wants.
type action struct {
	use, short, long string

	sure string // what a person has to confirm; empty if nothing. %s is the transform
	then string // the command that a person may want next; may be empty
	does func(*bgtransform.Control, context.Context, string, bgtransform.By) error
}

func (c *commands) actions() []*cobra.Command {
	all := []action{
		{use: "pause", short: "Stop a transform between two batches, until it is resumed", then: "resume NAME", does: (*bgtransform.Control).Pause},
		{use: "resume", short: "Let a paused transform go on where it was", does: (*bgtransform.Control).Resume},
		{
			use: "cancel", short: "Give a transform up; only a restart begins it again", then: "restart NAME", does: (*bgtransform.Control).Cancel,
			sure: "Give %s up? What it has written stays; only a restart begins it again, at the first row.",
		},
		{
			use: "restart", short: "Begin a new run at the first row, with an empty quarantine", does: (*bgtransform.Control).Restart,
			sure: "Begin %s again, at the first row? All rows are walked once more; those that are no longer pending are left as they are.",
		},
		{use: "retry", short: "Try the rows in quarantine again, and let a failed transform go on", does: (*bgtransform.Control).Retry},
		{
			use: "accept", short: "Accept that the rows in quarantine stay as they are", does: (*bgtransform.Control).Accept,
			long: "Accept that rows stay as they are: those in quarantine, which no longer block completion. Where nobody can tell\n" +
				"which column an instance wrote (see explain), that it wrote only the new one: all rows stay as they are, the\n" +
				"transform is complete as before, and never runs again.",
		},
		{
			use: "revert", short: "Write back what its rows held before", then: "pause NAME", does: (*bgtransform.Control).Revert,
			long: "Write back what the rows held before the transform changed them, from its journal. Roll the app\n" +
				"back first, to a version that works with the old values and does not write the new ones.",
			sure: "Revert %s? Its rows get the values back that they held before. The app must have been rolled back to a version that works with those.",
		},
	}
	cmds := make([]*cobra.Command, len(all))
	for i, a := range all {
		cmds[i] = c.action(a)
	}
	return cmds
}

func (c *commands) action(a action) *cobra.Command {
	cmd := &cobra.Command{Use: a.use + " NAME", Short: a.short, Long: a.long, Args: oneName, ValidArgsFunction: c.completeName}
	yes := new(bool)
	if a.sure != "" {
		yes = assent(cmd)
	}
	by := c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		name := words[0]
		who, err := by()
		if err != nil {
			return err
		}
		if a.sure != "" {
			if err := s.sure(ctx, name, *yes, fmt.Sprintf(a.sure, name)); err != nil {
				return err
			}
		}
		return s.act(ctx, name, a.use, who, a.then, a.does)
	})
	return cmd
}

// sure asks a person about a transform that there is.
func (s *session) sure(ctx context.Context, name string, yes bool, question string) error {
	asked, cancel := brief(ctx)
	defer cancel()
	if _, err := s.control.Status(asked, name); err != nil {
		return err
	}
	return s.confirm(ctx, yes, question)
}

// act writes down what is wanted, and says what comes of it.
func (s *session) act(ctx context.Context, name, what string, by bgtransform.By, then string, does func(*bgtransform.Control, context.Context, string, bgtransform.By) error) error {
	ctx, cancel := brief(ctx)
	defer cancel()
	if err := does(s.control, ctx, name, by); err != nil {
		return err
	}
	var p page
	p.line("%s: asked to %s; a running app heeds it within seconds", name, what)
	if then != "" {
		p.field("next", s.command("%s", strings.ReplaceAll(then, "NAME", name)))
	}
	return s.answer(Done{Transform: name, Action: what, By: by.Who, Why: by.Why}, p.String())
}
