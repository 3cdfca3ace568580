package bgtransform_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
)

// heard is all that an instance tells the outside of its own accord.
type heard struct {
	log     *lines
	batches *recorder
	spans   *tracetest.InMemoryExporter
	metrics *metric.ManualReader
}

// listen has an instance of this config tell everything.
func listen(cfg *bgtransform.Config) *heard {
	h := &heard{&lines{}, &recorder{}, tracetest.NewInMemoryExporter(), metric.NewManualReader()}
	cfg.Logger = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Observer = bgtransform.Observers(h.batches, telemetry.New(
		telemetry.WithTracerProvider(trace.NewTracerProvider(trace.WithSyncer(h.spans))),
		telemetry.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(h.metrics))),
	))
	return h
}

// wantNoSecret looks for [secret] in what was told, and in the status.
func (h *heard) wantNoSecret(t *testing.T, status string) {
	t.Helper()
	var metrics metricdata.ResourceMetrics
	must(t, h.metrics.Collect(t.Context(), &metrics))
	for where, text := range map[string]string{
		"log":     h.log.String(),
		"status":  status,
		"batches": fmt.Sprintf("%+v", h.batches.all()),
		"spans":   fmt.Sprintf("%+v", h.spans.GetSpans()),
		"metrics": fmt.Sprintf("%+v", metrics),
	} {
		if len(text) < 100 {
			t.Errorf("%s holds almost nothing: %q", where, text)
		}
		if i := strings.Index(strings.ToLower(text), secret); i >= 0 {
			t.Errorf("%s tells a secret: …%s…", where, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}
