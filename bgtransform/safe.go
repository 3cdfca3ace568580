package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// safeError is an error of the engine's own, which quotes nothing.
type safeError struct{ class, text string }

func (e *safeError) Error() string { return e.text }

// panicError is a panic in user code that was called for a whole batch.
type panicError struct {
	kind  string
	stack string
}

func (e *panicError) Error() string { return "panic of type " + e.kind }

// typeName names the type of a panic's value, which may quote a row itself.
func typeName(v any) string { return fmt.Sprintf("%T", v) }

// contain calls fn and turns a panic into an error.
func contain[T any](fn func() (T, error)) (out T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{typeName(v), string(debug.Stack())}
		}
	}()
	return fn()
}

// classify says what an error means for the batch.
func (s *Scheduler) classify(err error) dialect.Class {
	if errors.Is(err, ErrOverran) {
		return dialect.Timeout
	}
	return s.d.Classify(err)
}

// safeText describes an error for logs, status and the database without
// quoting what a row holds: a database's or user code's own words are kept only
// where they cannot.
func (s *Scheduler) safeText(err error) string {
	var own *safeError
	var missing *schemaError
	var crash *panicError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &own):
		return own.text
	case errors.As(err, &missing):
		return missing.text
	case errors.As(err, &crash):
		return crash.Error()
	}
	for _, known := range []error{ErrFenced, lease.ErrLost, ErrStopped, ErrOverran, errAbandoned, keyset.ErrNull} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	class := s.classify(err)
	if class.Safe() {
		return clip(err.Error(), 500)
	}
	return fmt.Sprintf("an error of class %s and type %s (its text may quote rows, so it is not shown)", class, errorClass(err))
}

// safe returns an error that says no more than safeText, for observers.
func (s *Scheduler) safe(err error) error {
	return &safeError{class: s.errorType(err), text: s.safeText(err)}
}

// ErrorType returns the class of an error that an [Observer] was given, such
// as "transient", "timeout" or "fenced": a word fit for a metric's attribute.
func ErrorType(err error) string {
	var own *safeError
	if errors.As(err, &own) {
		return own.class
	}
	return "other"
}

func (s *Scheduler) errorType(err error) string {
	var own *safeError
	switch {
	case errors.As(err, &own):
		return own.class
	case errors.Is(err, ErrFenced):
		return "fenced"
	case errors.Is(err, lease.ErrLost):
		return "lease_lost"
	case errors.Is(err, ErrStopped):
		return "stopped"
	case isSchema(err):
		return string(dialect.Schema)
	default:
		return string(s.classify(err))
	}
}

// withCause adds to an error why its context ended, which it often hides.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most]
}
