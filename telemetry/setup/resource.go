package setup

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// unknownService is what the specification calls a service without a name.
const unknownService = "unknown_service"

// newResource describes the application: what cfg says, overridden by what the
// environment says. A part of it is returned also with an error.
func newResource(ctx context.Context, cfg Config) (*resource.Resource, error) {
	attrs := []attribute.KeyValue{semconv.ServiceName(unknownService)}
	if cfg.ServiceName != "" {
		attrs[0] = semconv.ServiceName(cfg.ServiceName)
	}
	if cfg.ServiceVersion != "" {
		attrs = append(attrs, semconv.ServiceVersion(cfg.ServiceVersion))
	}
	if cfg.InstanceID != "" {
		attrs = append(attrs, semconv.ServiceInstanceID(cfg.InstanceID))
	}
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attrs...),
		resource.WithFromEnv(),
	)
	if err != nil {
		err = invalidResource(err)
	}
	return res, err
}
