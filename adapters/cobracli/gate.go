package cobracli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// Answer is what the gate says with --json.
type Answer struct {
	MayContract bool           `json:"may_contract"`
	Missing     []gate.Missing `json:"missing"` // empty if it may
}

func (c *commands) gateCommand() *cobra.Command {
	var quiet time.Duration
	var noOldWrites, noColumn, unverified bool
	cmd := &cobra.Command{
		Use: "gate NAME…", Short: "May the old column go?",
		Long: "Say whether the old side of transforms may go: exit code 0 for yes, 3 for not yet, with what is missing\n" +
			"and the command that supplies it, 1 where nobody knows, 4 for a name that is no transform.",
		Args: named, ValidArgsFunction: c.completeNames,
	}
	cmd.Flags().DurationVar(&quiet, "quiet", 24*time.Hour, "for `how long` there must have been no read of the old column")
	cmd.Flags().BoolVar(&noOldWrites, "no-old-writes", false, "nobody may write the old column either")
	cmd.Flags().BoolVar(&noColumn, "without-column", false, "there is no old column that anybody reads: weigh neither reads nor phases")
	cmd.Flags().BoolVar(&unverified, "unverified", false, "do without a verification")
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, names []string) error {
		opts := s.gateOptions()
		if cmd.Flags().Changed("quiet") {
			opts = append(opts, gate.Quiet(quiet))
		}
		if noOldWrites {
			opts = append(opts, gate.NoOldWrites())
		}
		if noColumn {
			opts = append(opts, gate.WithoutColumn())
		}
		if unverified {
			opts = append(opts, gate.Unverified())
		}
		return s.askGate(ctx, names, opts)
	})
	return cmd
}

// gateOptions are what the gate weighs, unless flags say otherwise: the app's options
// come last, so that they win over what is known of its scheduler.
func (s *session) gateOptions() []gate.Option {
	opts := []gate.Option{gate.Command(s.path), gate.Known(s.registered()...)}
	if s.Scheduler != nil {
		for _, t := range s.Scheduler.Transforms() {
			if _, tells := t.(bgtransform.PendingTeller); tells {
				opts = append(opts, gate.Transforms(t))
			}
		}
		registry, app := s.Scheduler.Fleet()
		opts = append(opts, gate.Fleet(registry), gate.App(app))
	}
	return append(opts, s.gate...)
}

func (s *session) askGate(ctx context.Context, names []string, opts []gate.Option) error {
	err := gate.RequireAll(ctx, s.DB, names, opts...)
	refusal, refused := errors.AsType[*gate.Refusal](err)
	if err != nil && !refused {
		return err
	}
	if s.json {
		answer := Answer{MayContract: !refused, Missing: []gate.Missing{}}
		if refused {
			answer.Missing = refusal.Missing
			s.cmd.SilenceErrors = true // the answer says it
		}
		return errors.Join(err, encode(s.out, answer))
	}
	if refused {
		return err
	}
	var p page
	p.line("%s: the old column may go", strings.Join(names, ", "))
	return s.answer(nil, p.String())
}
