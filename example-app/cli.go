package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/adapters/cobracli"
)

// command runs what the command line asks for and returns the exit code, as
// cobracli.ExitCode has them: 0 for success, 1 for failure, 2 for a command line that
// makes no sense, 3 for a gate that does not open yet.
func command(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	con := newConsole(stderr)
	root := newRoot(getenv, stdout, con)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	con.Bar("")
	return exitCode(err)
}

// newRoot returns the app's commands. Its own are older than its use of cobra, and parse
// their flags by themselves.
func newRoot(getenv func(string) string, stdout io.Writer, con *console) *cobra.Command {
	own := func(use, short string, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, DisableFlagParsing: true, SilenceUsage: true, Args: cobra.ArbitraryArgs, RunE: run}
	}
	root := own("example-app", "A music catalogue that renames a column while it serves", func(cmd *cobra.Command, args []string) error {
		return start(cmd, args, getenv, stdout, con)
	})
	root.AddCommand(
		transforms(getenv),
		own("walk", "Walk through all four releases", func(cmd *cobra.Command, args []string) error {
			return walk(cmd.Context(), args, getenv, stdout, con)
		}),
		own("contract", "Drop the old column, once release 4 is alone", func(cmd *cobra.Command, args []string) error {
			return contractNow(cmd.Context(), args, getenv, stdout, con)
		}),
	)
	root.SetOut(stdout)
	root.SetErr(con)
	root.SetErrPrefix("example-app:")
	return root
}

// start runs the app. The result of -once comes last: after what an exporter of
// telemetry may have written to stdout, and after what people are told.
func start(cmd *cobra.Command, args []string, getenv func(string) string, stdout io.Writer, con *console) error {
	cfg, err := parseConfig(args, getenv, con)
	if err != nil {
		return err
	}
	result, err := run(cmd.Context(), cfg, con)
	if result.deployed {
		return errors.Join(err, result.users.fault(), result.users.report(stdout))
	}
	if !result.known {
		return err
	}
	if err = result.fault(err); err != nil {
		con.Printf("example-app: %s", err)
		cmd.SilenceErrors = true // it is said, before the result
	}
	return errors.Join(err, result.report(stdout))
}

// usageError is a command line or an environment that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitCode returns 2 for what makes no sense to the app's own commands, else what
// cobracli says.
func exitCode(err error) int {
	if _, usage := errors.AsType[*usageError](err); usage {
		return cobracli.ExitUsage
	}
	return cobracli.ExitCode(err)
}

// newFlagSet returns a flag set that prints nothing but its help: command prints
// the errors.
func newFlagSet(name, help string, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {
		fs.SetOutput(stderr)
		_, _ = io.WriteString(stderr, help)
		fs.PrintDefaults()
		fs.SetOutput(io.Discard)
	}
	return fs
}

func asUsage(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &usageError{err}
}
