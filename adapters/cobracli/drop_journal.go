package cobracli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (c *commands) dropJournal() *cobra.Command {
	cmd := &cobra.Command{
		Use: "drop-journal NAME", Short: "Delete the journal: there is no revert any more",
		Long: "Delete a transform's journal, once what it has made is accepted. It deletes in small steps and may take\n" +
			"long; interrupted, it can be called again.",
		Args: oneName, ValidArgsFunction: c.completeName,
	}
	yes, by := assent(cmd), c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		name := words[0]
		who, err := by()
		if err != nil {
			return err
		}
		if err := s.sure(ctx, name, *yes, fmt.Sprintf("Delete the journal of %s? There is no revert any more.", name)); err != nil {
			return err
		}
		deleted, err := s.control.DropJournal(ctx, name, who)
		if err != nil {
			return err
		}
		var p page
		p.line("%s: %s of its journal deleted", name, count(deleted, "row"))
		return s.answer(Done{Transform: name, Action: cmd.Name(), By: who.Who, Why: who.Why, Deleted: deleted}, p.String())
	})
	return cmd
}
