// Package setup makes OpenTelemetry providers from the standard OTEL_*
// environment variables, for applications that have none of their own:
//
//	providers, err := setup.FromEnv(ctx, setup.Config{ServiceName: "catalogue"})
//	if err != nil {
//		slog.WarnContext(ctx, "some telemetry is off", "error", err)
//	}
//	defer providers.Shutdown(context.WithoutCancel(ctx))
//	observer := telemetry.New(
//		telemetry.WithTracerProvider(providers.TracerProvider()),
//		telemetry.WithMeterProvider(providers.MeterProvider()),
//	)
//
// It brings the OpenTelemetry SDK and its exporters along. An application that
// has set up OpenTelemetry already does not need it: telemetry.New finds what
// is global.
//
// # What is exported
//
// Nothing, unless asked. OpenTelemetry's own default is to export to a collector
// on localhost; here a signal is exported when one of these says so:
//
//	OTEL_{TRACES,METRICS,LOGS}_EXPORTER                otlp, console, none; metrics also prometheus
//	OTEL_EXPORTER_OTLP_ENDPOINT                        traces and metrics, through OTLP
//	OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_ENDPOINT  that signal, through OTLP
//	OTEL_SDK_DISABLED=true                             nothing, whatever the others say
//
// The other variables of the exporters and the SDK apply as documented by
// OpenTelemetry: protocol, headers, timeouts, sampler, intervals, and
// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES for the resource. The protocol
// http/json works for traces only: OpenTelemetry for Go has none for the others.
//
// Logs may hold what spans and metrics never do, so they are exported only if a variable
// of their own says so. They are those that an application leads through [Providers.LogHandler]:
//
//	text := slog.NewTextHandler(os.Stderr, nil)
//	logger := slog.New(providers.LogHandler(telemetry.LogHandler(text)))
//
// # What can go wrong
//
// A variable with a value that cannot be right switches off the signals that it
// concerns, and is reported by [FromEnv] with its name, the value and what would
// be right, all of them in one error. The providers work all the same.
//
// A collector that does not answer delays neither boot nor shutdown: nothing is
// sent before FromEnv returns, and [Providers.Shutdown] gives up with its
// context. What exporters complain of goes to OpenTelemetry's error handler and
// nowhere else; see otel.SetErrorHandler.
package setup
