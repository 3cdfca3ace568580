package setup

import (
	"log/slog"

	"go.opentelemetry.io/otel/log"
)

// NewLogHandler is the handler that LogHandler returns, on any provider.
func NewLogHandler(next slog.Handler, to log.LoggerProvider) slog.Handler {
	return newLogHandler(next, to)
}
