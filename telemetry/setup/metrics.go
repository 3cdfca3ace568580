package setup

import (
	"context"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// startMetrics makes the meter provider, whose reader exports in a goroutine or
// serves Prometheus, until [Providers.Shutdown]. With an error it leaves the one
// that does nothing.
func (p *Providers) startMetrics(ctx context.Context, res *resource.Resource) error {
	if err := metrics.check(); err != nil {
		return err
	}
	reader, err := autoexport.NewMetricReader(ctx)
	if err != nil {
		return metrics.exporterError(err)
	}
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(reader))
	p.meter = mp
	p.pipelines = append(p.pipelines, pipeline{name: "metrics", shutdown: mp.Shutdown})
	p.hasMeter = true
	return nil
}
