package setup

import (
	"context"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

// startLogs makes the logger provider, which exports in a goroutine that ends with
// [Providers.Shutdown]. With an error it leaves the one that does nothing.
func (p *Providers) startLogs(ctx context.Context, res *resource.Resource) error {
	if err := logs.check(); err != nil {
		return err
	}
	exporter, err := autoexport.NewLogExporter(ctx)
	if err != nil {
		return logs.exporterError(err)
	}
	lp := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	p.logger = lp
	p.pipelines = append(p.pipelines, pipeline{name: "logs", shutdown: lp.Shutdown, abort: exporter.Shutdown})
	p.hasLogger = true
	return nil
}
