package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"

	"github.com/bgtransform/sidecar/telemetry"
	"github.com/bgtransform/sidecar/telemetry/setup"
)

// newLogger logs to w, with the ids of the trace that a record belongs to. What
// libraries write to the standard log comes along, at level Info.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	logger := slog.New(telemetry.LogHandler(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})))
	slog.SetDefault(logger)
	redis.SetLogger(redisLog{logger})
	return logger
}

// redisLog keeps the Redis client from writing into the progress bar. What matters
// of it, the scheduler's status says.
type redisLog struct{ logger *slog.Logger }

// Printf is called by the client for each connection that fails.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.logger.DebugContext(ctx, "example-app: redis: "+fmt.Sprintf(format, v...))
}

// exported returns a logger that also sends the log to OpenTelemetry, if the OTEL_*
// variables ask for that. What goes wrong with the sending is told to the one before.
func exported(logger *slog.Logger, providers *setup.Providers) *slog.Logger {
	logger = slog.New(providers.LogHandler(logger.Handler()))
	slog.SetDefault(logger)
	return logger
}

// newProviders makes what the OTEL_* variables ask for: nothing, unless they do.
func newProviders(ctx context.Context, cfg config, logger *slog.Logger) *setup.Providers {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.Warn("example-app: telemetry", "error", err)
	}))
	providers, err := setup.FromEnv(ctx, setup.Config{
		ServiceName: "example-app", ServiceVersion: strconv.Itoa(cfg.Release), InstanceID: cfg.Instance,
	})
	if err != nil {
		logger.WarnContext(ctx, "example-app: some telemetry is off", "error", err)
	}
	return providers
}

// closeProviders sends what is left, as far as there is time.
func closeProviders(ctx context.Context, providers *setup.Providers) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond)
	defer cancel()
	providers.Shutdown(ctx)
}
