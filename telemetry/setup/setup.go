package setup

import (
	"context"
	"errors"
	"fmt"
)

// Config is what the application says of itself. The zero value works.
type Config struct {
	// ServiceName names the application, unless OTEL_SERVICE_NAME or
	// OTEL_RESOURCE_ATTRIBUTES do. Defaults to "unknown_service".
	ServiceName string

	// ServiceVersion is the version of the application, unless
	// OTEL_RESOURCE_ATTRIBUTES has one. Optional.
	ServiceVersion string

	// InstanceID tells the instances of a pool apart, unless
	// OTEL_RESOURCE_ATTRIBUTES does. It should be what bgtransform is given as
	// the instance's name. Optional.
	InstanceID string
}

// FromEnv makes the providers that the OTEL_* variables ask for. It reads the
// environment once, connects to nothing and makes nothing global.
//
// The providers are never nil. With an error they are usable too, and do
// nothing for the signals that the error concerns: an application should report
// it and go on.
func FromEnv(ctx context.Context, cfg Config) (*Providers, error) {
	p := newProviders()
	disabled, err := sdkDisabled()
	if disabled || err != nil {
		return p, prefix(err)
	}
	wantTraces, wantMetrics, wantLogs := traces.asked(), metrics.asked(), logs.asked()
	if !wantTraces && !wantMetrics && !wantLogs {
		return p, nil
	}
	res, err := newResource(ctx, cfg)
	errs := []error{err}
	if wantTraces {
		errs = append(errs, p.startTraces(ctx, res))
	}
	if wantMetrics {
		errs = append(errs, p.startMetrics(ctx, res))
	}
	if wantLogs {
		errs = append(errs, p.startLogs(ctx, res))
	}
	return p, prefix(errors.Join(errs...))
}

// prefix says where err comes from, unless it is nil.
func prefix(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("telemetry setup: %w", err)
}
