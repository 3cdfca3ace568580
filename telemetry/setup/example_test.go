package setup_test

import (
	"context"
	"fmt"
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
