package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

// stopper is a receiver that runs.
type stopper interface {
	Shutdown(ctx context.Context) error
}

// host is the Collector's service as far as a receiver without extensions asks for it.
type host struct{}

func (host) GetExtensions() map[component.ID]component.Component { return nil }

// start starts the Collector's receiver for one protocol and all signals, and returns
// where it listens.
func start(ctx context.Context, protocol string, to *lines) (stopper, string, error) {
	address, err := free(ctx)
	if err != nil {
		return nil, "", err
	}
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	// Given as a Collector's file would give it, so that it is read by the Collector.
	file := map[string]any{"protocols": map[string]any{protocol: map[string]any{"endpoint": address}}}
	if err := confmap.NewFromStringMap(file).Unmarshal(cfg); err != nil {
		return nil, "", fmt.Errorf("configure: %w", err)
	}
	r, err := connect(ctx, factory, cfg, sink{protocol: protocol, lines: to})
	if err != nil {
		return nil, "", err
	}
	if err := r.Start(ctx, host{}); err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	return r, address, nil
}

// connect makes the receiver and leads each signal into s. The factory returns the
// same component for all three.
func connect(ctx context.Context, factory receiver.Factory, cfg component.Config, s sink) (component.Component, error) {
	set := receiver.Settings{
		ID: component.NewID(factory.Type()),
		TelemetrySettings: component.TelemetrySettings{
			Logger:         zap.NewNop(),
			TracerProvider: nooptrace.NewTracerProvider(),
			MeterProvider:  noopmetric.NewMeterProvider(),
			Resource:       pcommon.NewResource(),
		},
	}
	traces, err1 := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error { return s.traces(td) })
	metrics, err2 := consumer.NewMetrics(func(_ context.Context, md pmetric.Metrics) error { return s.metrics(md) })
	logs, err3 := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error { return s.logs(ld) })
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("consume: %w", err)
	}
	r, err1 := factory.CreateTraces(ctx, set, cfg, traces)
	_, err2 = factory.CreateMetrics(ctx, set, cfg, metrics)
	_, err3 = factory.CreateLogs(ctx, set, cfg, logs)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	return r, nil
}

// free returns an address that nobody listens at. The receiver does not say which it
// took when it is asked for any.
func free(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
