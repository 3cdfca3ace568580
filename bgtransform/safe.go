package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// safeError is an error that quotes nothing. It may wrap one of our sentinels,
// and never anything else.
type safeError struct {
	class, text string
	sentinel    error
}

func (e *safeError) Error() string { return e.text }

func (e *safeError) Unwrap() error { return e.sentinel }

// sentinels are the errors that are shown as they are, because their texts are ours.
func sentinels() []error {
	return []error{
		ErrFenced, lease.ErrLost, ErrStopped, ErrOverran, ErrWindowClosed, ErrCritical, keyset.ErrNull,
		context.Canceled, context.DeadlineExceeded,
	}
}

func sentinelOf(err error) error {
	for _, known := range sentinels() {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// panicError is a panic in user code that was called for a whole batch.
type panicError struct {
	kind  string
	stack string
}

func (e *panicError) Error() string { return "panic of type " + e.kind }

// foreignError is an error of a kind of transform that is not ours: what it
// means can be asked, but its text may quote anything.
type foreignError struct{ err error }

func (e *foreignError) Error() string { return e.err.Error() }

func (e *foreignError) Unwrap() error { return e.err }

// foreign marks an error that came out of a stepper or an undoer, unless it is ours.
func foreign(s any, err error) error {
	if _, ours := s.(interface{ ours() }); ours || err == nil {
		return err
	}
	return &foreignError{err}
}

func isForeign(err error) bool {
	_, ok := errors.AsType[*foreignError](err)
	return ok
}

// typeName names the type of a panic's value, which may quote a row itself.
func typeName(v any) string { return fmt.Sprintf("%T", v) }

// containLeeway is longer than the leeway of a row's code, which [contain] waits
// for when it contains our own kinds.
const containLeeway = 3 * leeway

// contain calls code that is not ours: a panic comes back as an error, and code
// that goes on for longer than the leeway after ctx has ended is left behind
// in its goroutine, so that it holds up nothing else.
func contain[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		out T
		err error
	}
	done := make(chan result, 1)
	go func() { // ends when fn does
		r := result{err: errExited}
		defer func() {
			if v := recover(); v != nil {
				r.err = &panicError{typeName(v), stack()}
			}
			done <- r
		}()
		r.out, r.err = fn()
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(containLeeway)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.out, r.err
	case <-timer.C:
		var none T
		return none, withCause(ctx, errAbandoned)
	}
}

// classify says what an error means for the batch.
func (s *Scheduler) classify(err error) dialect.Class {
	switch {
	case errors.Is(err, errSilent):
		return dialect.Unavailable
	case errors.Is(err, ErrOverran):
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
	var changed *dialect.RefusedError
	var crash *panicError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &changed):
		return changed.Text
	case errors.As(err, &own):
		return own.text
	case errors.As(err, &missing):
		return missing.text
	case errors.As(err, &crash):
		return crash.Error()
	}
	if known := sentinelOf(err); known != nil {
		return known.Error()
	}
	if later, ok := errors.AsType[*laterError](err); ok {
		return fmt.Sprintf("user code asked to be called again in %s, for an error of type %s", later.wait, errorClass(later.err))
	}
	class := s.classify(err)
	if class.Safe() && !isForeign(err) {
		return clip(err.Error(), 500)
	}
	return fmt.Sprintf("an error of class %s and type %s (its text may quote rows, so it is not shown)", class, errorClass(err))
}

// safe returns an error that says no more than safeText, for observers.
func (s *Scheduler) safe(err error) error {
	return &safeError{class: s.errorType(err), text: s.safeText(err), sentinel: sentinelOf(err)}
}

// ErrorType returns the class of an error that an [Observer] was given, such
// as "transient", "timeout" or "fenced": a word fit for a metric's attribute.
// It is empty for other errors.
func ErrorType(err error) string {
	if own, ok := errors.AsType[*safeError](err); ok {
		return own.class
	}
	return ""
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
	case errors.Is(err, ErrCritical):
		return "critical"
	case isSchema(err):
		return string(dialect.Schema)
	default:
		return string(s.classify(err))
	}
}

// withCause adds to an error why its context ended, which it often hides.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// clip shortens s to most bytes and leaves no half of a character behind.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
