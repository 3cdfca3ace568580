package contract

import (
	"errors"
	"fmt"
)

// What an error of this package can be, for [errors.Is]. Others are the server's own.
var (
	// ErrRows says that rows stand against the change: there are nulls, duplicates, or
	// rows that the check refuses. Nothing is changed; move or mend the rows first.
	ErrRows = errors.New("contract: rows stand against it")

	// ErrBusy says that the table could not be had within [Patience]. What is done so
	// far stays, and the next call goes on from there.
	ErrBusy = errors.New("contract: the table is busy")

	// ErrRefused says that the change cannot be made here, or not without keeping
	// the app out. The text says why, and what can be done instead.
	ErrRefused = errors.New("contract: refused")
)

// failure is an error with words of its own and one of the kinds above.
type failure struct {
	kind  error
	text  string
	cause error // may be nil; its text is in no message
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error { return f.cause }

// Is reports whether target is the kind of f.
func (f *failure) Is(target error) bool { return target == f.kind }

func refused(format string, args ...any) error {
	return &failure{kind: ErrRefused, text: fmt.Sprintf(format, args...)}
}

// errMeanwhile says that somebody else has changed what the plan was made for, so
// that it has to be made again.
var errMeanwhile = errors.New("changed meanwhile")

// errElsewhere says that another call is at work on the same table.
var errElsewhere = errors.New("another call of this package works on the table")
