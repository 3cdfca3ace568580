package cobracli

import (
	"cmp"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// signature adds the flags by which people say who they are, and why they do something.
// What it returns reads them.
func (c *commands) signature(cmd *cobra.Command) func() (bgtransform.By, error) {
	var who, why string
	cmd.Flags().StringVar(&who, "by", "", "`who` asks; by default the user of the operating system")
	cmd.Flags().StringVar(&why, "why", "", "a `reason`, for those who read the status and the log")
	return func() (bgtransform.By, error) {
		if cmd.Flags().Changed("by") && strings.TrimSpace(who) == "" {
			return bgtransform.By{}, usagef("--by is empty; say who does it, or leave it out")
		}
		return bgtransform.By{Who: cmp.Or(strings.TrimSpace(who), c.getenv("USER"), c.getenv("LOGNAME"), account()), Why: why}, nil
	}
}

// account is the name of the account that the process runs under, for an environment
// without one: the log of actions is to say who did what.
func account() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}
