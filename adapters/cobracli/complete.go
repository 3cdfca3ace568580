package cobracli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// completion bounds how long somebody waits who has typed the tab key.
const completion = 2 * time.Second

// completeName completes a single name.
func (c *commands) completeName(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.completeNames(cmd, args, begun)
}

// completeNames completes names that were not given yet.
func (c *commands) completeNames(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, st := range c.known(cmd) {
		if strings.HasPrefix(st.Transform, begun) && !slices.Contains(args, st.Transform) {
			out = append(out, cobra.CompletionWithDesc(st.Transform, string(st.State)))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// known returns what can be learned in time: without an answer of the database it is the
// app's own transforms.
func (c *commands) known(cmd *cobra.Command) (all []bgtransform.Status) {
	_ = c.with(cmd, func(ctx context.Context, s *session) error {
		ctx, cancel := context.WithTimeout(ctx, completion)
		defer cancel()
		var err error
		if all, err = s.look(ctx); err != nil {
			for _, name := range s.registered() {
				all = append(all, unstarted(name, err))
			}
		}
		return nil // there is nowhere to say an error
	})
	return all
}

// completeTune completes a name, and settings with those values that are words.
func (c *commands) completeTune(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return c.completeName(cmd, args, begun)
	}
	values := map[bgtransform.Setting][]string{
		bgtransform.SettingPhase:         {"old", "fallback", "compare", "new"},
		bgtransform.SettingWindow:        {"always", "never"},
		bgtransform.SettingRowsPerSecond: {"unlimited"},
	}
	typed, _, valued := strings.Cut(begun, "=")
	var out []cobra.Completion
	for _, s := range bgtransform.Settings() {
		name := strings.ToLower(string(s))
		switch {
		case valued && setting(typed) == s:
			for _, value := range append(values[s], bgtransform.Default) {
				out = append(out, typed+"="+value)
			}
		case !valued && strings.HasPrefix(name, strings.ToLower(begun)):
			out = append(out, name+"=")
		}
	}
	if valued {
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeUntune completes a name, and the settings that somebody has changed.
func (c *commands) completeUntune(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return c.completeName(cmd, args, begun)
	}
	var out []cobra.Completion
	for _, st := range c.known(cmd) {
		if st.Transform != args[0] {
			continue
		}
		for _, t := range st.Tuned {
			name := strings.ToLower(string(t.Setting))
			if strings.HasPrefix(name, strings.ToLower(begun)) && !slices.Contains(args[1:], name) {
				out = append(out, cobra.CompletionWithDesc(name, t.Value))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
