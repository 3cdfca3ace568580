package cobracli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (c *commands) verify() *cobra.Command {
	var wait, stop, repair bool
	var sample string
	cmd := &cobra.Command{
		Use: "verify NAME", Short: "Look at the rows of a complete transform again",
		Long: "Ask a running app to compare each row of a complete transform, or a sample, with what the transform makes\n" +
			"of it. With --wait the result is waited for: exit code 0 if all is right, 3 if not.",
		Args: oneName, ValidArgsFunction: c.completeName,
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the result")
	cmd.Flags().BoolVar(&stop, "stop", false, "end a verification that is under way")
	cmd.Flags().BoolVar(&repair, "repair", false, "write rows again whose value is wrong")
	cmd.Flags().StringVar(&sample, "sample", "100%", "which `share` of the rows is looked at: 5%, 0.05")
	by := c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		who, err := by()
		if err != nil {
			return err
		}
		o := bgtransform.VerifyOptions{Repair: repair}
		if o.Sample, err = share(sample); err != nil {
			return err
		}
		if stop && (wait || repair || cmd.Flags().Changed("sample")) {
			return usagef("--stop ends a verification; it goes with no other flag of verify")
		}
		if stop {
			return s.act(ctx, words[0], "stop verify", who, "", (*bgtransform.Control).StopVerify)
		}
		ask := func(c *bgtransform.Control, ctx context.Context, name string, by bgtransform.By) error {
			return c.Verify(ctx, name, o, by)
		}
		if !wait {
			return s.act(ctx, words[0], "verify", who, "status NAME", ask)
		}
		asked, cancel := brief(ctx)
		defer cancel()
		if err := ask(s.control, asked, words[0], who); err != nil {
			return err
		}
		return s.verified(ctx, words[0])
	})
	return cmd
}

// share reads a share of the rows: 5%, 0.05.
func share(text string) (float64, error) {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if isPercent {
		v /= 100
	}
	if err != nil || !(v >= 0.0001 && v <= 1) {
		return 0, usagef("--sample is %q; want a share from 0.01%% to 100%%, such as 5%% or 0.05", text)
	}
	return v, nil
}

// verified waits for the end of a verification that was asked for.
func (s *session) verified(ctx context.Context, name string) error {
	f := s.follower()
	var last bgtransform.Status
	err := s.until(ctx, time.Second, func(ctx context.Context) ([]bgtransform.Status, error) { return s.look(ctx, name) },
		func(all []bgtransform.Status) (bool, error) {
			last = all[0]
			if !underWay(last.Verify) || s.json {
				return !underWay(last.Verify), nil
			}
			return false, f.show(last)
		})
	if ctx.Err() != nil {
		return notYetf("%s: nobody waits for the verification any more, but it goes on; %s shows it", name, s.command("status %s", name))
	}
	if err != nil {
		return err
	}
	return s.result(f, last)
}

// result says what a verification has found.
func (s *session) result(f *follower, st bgtransform.Status) error {
	v := st.Verify
	if v == nil {
		return notYetf("%s: its verification is gone: it was restarted, or reverted; it is %s", st.Transform, st.State)
	}
	text := fmt.Sprintf("%s: %s", st.Transform, verifyText(*v))
	if s.json {
		if err := encode(s.out, *v); err != nil {
			return err
		}
	} else if err := f.screen.say(text); err != nil {
		return err
	}
	if v.Clean() {
		return nil
	}
	return notYetf("%s is not verified; %s lists the rows, %s says how it goes on", st.Transform,
		s.command("mismatches %s", st.Transform), s.command("status %s", st.Transform))
}

// verifyText is how far a verification is, or what it has found.
func verifyText(v bgtransform.Verification) string {
	text := fmt.Sprintf("verification %s, asked for by %s", v.State, v.By)
	if v.Sample < 1 {
		text += fmt.Sprintf(", of a sample of %s%%", strconv.FormatFloat(100*v.Sample, 'g', 4, 64))
	}
	if v.State == bgtransform.VerifyAsked {
		return text
	}
	text += fmt.Sprintf(": %s compared, %s wrong (%s repaired), %s pending, %s not checked", count(v.Rows, "row"),
		thousands(v.Mismatches), thousands(v.Repaired), thousands(v.Pending), thousands(v.Unchecked))
	return because(text, v.Reason)
}
