package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// command runs what the command line asks for and returns the exit code: 0 for
// success, 1 for failure, 2 for a command line that makes no sense, 3 for a gate that
// does not open yet.
func command(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	con := newConsole(stderr)
	var err error
	switch word := first(args); word {
	case "transforms":
		err = transforms(ctx, args[1:], getenv, stdout, stderr)
	case "contract":
		err = contractNow(ctx, args[1:], getenv, stdout, stderr)
	case "walk":
		err = walk(ctx, args[1:], getenv, stdout, stderr)
	default:
		err = start(ctx, args, getenv, stdout, con)
	}
	con.Bar("")
	code := exitCode(err)
	if code != 0 && !errors.Is(err, errSaid) {
		_, _ = fmt.Fprintln(stderr, "example-app:", err)
	}
	return code
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// errSaid is a failure that people have been told of already.
var errSaid = errors.New("the app has failed")

// start runs the app. The result of -once comes last: after what an exporter of
// telemetry may have written to stdout, and after what people are told.
func start(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer, con *console) error {
	cfg, err := parseConfig(args, getenv, con)
	if err != nil {
		return err
	}
	result, err := run(ctx, cfg, con)
	if result.deployed {
		return errors.Join(err, result.users.fault(), result.users.report(stdout))
	}
	if !result.known {
		return err
	}
	if err = result.fault(err); err != nil {
		con.Printf("example-app: %s", err)
		err = errSaid
	}
	return errors.Join(err, result.report(stdout))
}

// usageError is a command line or an environment that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitCode returns 0 for success and for help, 2 for usage, 3 for a refusal of the
// gate, else 1.
func exitCode(err error) int {
	_, usage := errors.AsType[*usageError](err)
	_, refused := errors.AsType[*gate.Refusal](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case usage:
		return 2
	case refused:
		return 3
	default:
		return 1
	}
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

// parseAnywhere parses flags wherever they stand and returns the other words.
func parseAnywhere(fs *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, asUsage(err)
		}
		if fs.NArg() == 0 {
			return words, nil
		}
		words = append(words, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

func asUsage(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &usageError{err}
}
