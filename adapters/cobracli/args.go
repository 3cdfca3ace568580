package cobracli

import (
	"strings"

	"github.com/spf13/cobra"
)

// oneName wants the name of a transform.
func oneName(cmd *cobra.Command, args []string) error {
	if err := named(cmd, args); err != nil {
		return err
	}
	if len(args) > 1 {
		return usagef("too many words: %s; want the name of one transform", strings.Join(args, " "))
	}
	return nil
}

// named wants the name of a transform, and perhaps more.
func named(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || strings.TrimSpace(args[0]) == "" {
		return usagef("%s what? Name a transform (%s)", cmd.Name(), cmd.UseLine())
	}
	return nil
}

// nothing wants no words.
func nothing(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("too many words: %s; %s takes none", strings.Join(args, " "), cmd.Name())
	}
	return nil
}

// someWord is the Args of the command above ours: a word that is left is none of ours.
func someWord(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		return usagef("unknown command %q for %q; did you mean %s?", args[0], cmd.CommandPath(), strings.Join(meant, " or "))
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("unknown command %q for %q; there are %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
}
