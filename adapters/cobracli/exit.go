package cobracli

import (
	"errors"
	"flag"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// The exit codes of the commands; pipelines may depend on them.
const (
	ExitOK         = 0 // done, or yes
	ExitFailure    = 1 // failed; nobody knows the answer
	ExitUsage      = 2 // the command line makes no sense, or a confirmation was needed
	ExitNotYet     = 3 // the gate refuses, or what was waited for came to no good end
	ExitUnknown    = 4 // there is no such transform in this database
	ExitNotAllowed = 5 // the state of the transform does not allow that
)

// ExitCode returns the exit code for an error of a command, and ExitFailure for an
// error that is not of the commands in here.
func ExitCode(err error) int {
	_, usage := errors.AsType[*usageError](err)
	_, refused := errors.AsType[*gate.Refusal](err)
	_, unfinished := errors.AsType[*bgtransform.UnfinishedError](err)
	_, soon := errors.AsType[*notYetError](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ExitOK
	case usage, errors.Is(err, bgtransform.ErrSetting):
		return ExitUsage
	case refused, unfinished, soon:
		return ExitNotYet
	case errors.Is(err, bgtransform.ErrUnknownTransform):
		return ExitUnknown
	case errors.Is(err, bgtransform.ErrNotAllowed):
		return ExitNotAllowed
	default:
		return ExitFailure
	}
}

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// notYetError is what was waited for and did not come, or not as it should.
type notYetError struct{ text string }

func (e *notYetError) Error() string { return e.text }

func notYetf(format string, args ...any) error {
	return &notYetError{fmt.Sprintf(format, args...)}
}
