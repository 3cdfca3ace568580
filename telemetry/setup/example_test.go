package setup_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/bgtransform/sidecar/telemetry"
	"github.com/bgtransform/sidecar/telemetry/setup"
)

// Bad values are reported and switch a signal off: they are no reason to stop.
func ExampleFromEnv() {
	_ = os.Setenv("OTEL_TRACES_EXPORTER", "otpl")
	defer func() { _ = os.Unsetenv("OTEL_TRACES_EXPORTER") }()

	ctx := context.Background()
	providers, err := setup.FromEnv(ctx, setup.Config{ServiceName: "catalogue"})
	if err != nil {
		fmt.Println(err)
	}
	defer providers.Shutdown(ctx)

	_ = telemetry.New(
		telemetry.WithTracerProvider(providers.TracerProvider()),
		telemetry.WithMeterProvider(providers.MeterProvider()),
	)
	fmt.Println("exporting:", providers.Exporting())
	// Output:
	// telemetry setup: OTEL_TRACES_EXPORTER="otpl": want one of otlp, console, none: unknown exporter or metrics producer
	// exporting: false
}

// The log goes where it went before and, if OTEL_LOGS_EXPORTER asks for it, to a
// collector too, each record with the trace that it belongs to.
func ExampleProviders_LogHandler() {
	ctx := context.Background()
	providers, err := setup.FromEnv(ctx, setup.Config{ServiceName: "catalogue"})
	if err != nil {
		fmt.Println(err)
	}
	defer providers.Shutdown(ctx)

	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	logger := slog.New(providers.LogHandler(telemetry.LogHandler(text)))
	logger.InfoContext(ctx, "ready", "exporting", providers.Exporting())
	// Output: level=INFO msg=ready exporting=false
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
