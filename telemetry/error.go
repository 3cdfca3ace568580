package telemetry

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// maxDescription bounds the status of a span, in bytes: enough for a sentence
// and its causes.
const maxDescription = 500

// setError marks span as failed, unless err is nil.
func setError(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(errorType(err))
	span.SetStatus(codes.Error, clip(err.Error()))
}

// clip shortens s to maxDescription and leaves no half of a character behind.
func clip(s string) string {
	if len(s) <= maxDescription {
		return s
	}
	return strings.ToValidUTF8(s[:maxDescription], "")
}

// errorType returns the class of err, of which there are few: the database's
// error code, the name of an error of ours, or the type of any other. It holds
// nothing of the error's text.
func errorType(err error) attribute.KeyValue {
	if code, ok := sqlState(err); ok {
		return semconv.ErrorTypeKey.String(code)
	}
	switch {
	case errors.Is(err, bgtransform.ErrFenced):
		return semconv.ErrorTypeKey.String("fenced")
	case errors.Is(err, bgtransform.ErrOverran):
		return semconv.ErrorTypeKey.String("overran")
	case errors.Is(err, lease.ErrLost):
		return semconv.ErrorTypeKey.String("lease_lost")
	case errors.Is(err, context.DeadlineExceeded):
		return semconv.ErrorTypeKey.String("timeout")
	case errors.Is(err, context.Canceled):
		return semconv.ErrorTypeKey.String("canceled")
	case bgtransform.ErrorType(err) != "":
		return semconv.ErrorTypeKey.String(bgtransform.ErrorType(err))
	default:
		return semconv.ErrorType(err)
	}
}

// isInterrupt reports whether err says that a batch had to stop, as opposed to
// failed: the scheduler stops, or the attempt's context was cancelled by
// whatever else ends attempts.
func isInterrupt(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled) ||
		errors.Is(err, bgtransform.ErrStopped) || errors.Is(err, lease.ErrLost)
}

// sqlState returns the SQLSTATE of an error of pgx or of bun's pgdriver.
func sqlState(err error) (string, bool) {
	var pgx interface{ SQLState() string }
	if errors.As(err, &pgx) {
		return pgx.SQLState(), isSQLState(pgx.SQLState())
	}
	var pgdriver interface{ Field(name byte) string }
	if errors.As(err, &pgdriver) {
		code := pgdriver.Field('C')
		return code, isSQLState(code)
	}
	return "", false
}

// isSQLState reports whether s is five digits or capitals, as the standard says.
func isSQLState(s string) bool {
	return len(s) == 5 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
