package setup_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.uber.org/goleak"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
	"github.com/bgtransform/sidecar/telemetry/setup"
)

// run reports a run of one batch through p.
func run(ctx context.Context, p *setup.Providers) {
	o := telemetry.New(
		telemetry.WithTracerProvider(p.TracerProvider()),
		telemetry.WithMeterProvider(p.MeterProvider()),
	)
	id := bgtransform.RunID{Transform: "track-length-ms", Run: 1, Attempt: 1}
	ctx, _ = o.RunStart(ctx, bgtransform.RunStartInfo{RunID: id, First: true})
	start := bgtransform.BatchStartInfo{RunID: id, Pass: 1, Batch: 1, Limit: 1000}
	batch := o.BatchStart(ctx, start)
	o.BatchEnd(batch, bgtransform.BatchEndInfo{
		BatchStartInfo: start,
		BatchResult:    bgtransform.BatchResult{Keys: 1000, Changed: 1000},
	})
	o.RunEnd(ctx, bgtransform.RunEndInfo{RunID: id, State: bgtransform.StateComplete})
}

func TestTracesArriveWithTheirLinks(t *testing.T) {
	c := newCollector(t)
	environ(t, map[string]string{
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.URL + "/v1/traces",
		"OTEL_EXPORTER_OTLP_PROTOCOL":        "http/json",
		"OTEL_RESOURCE_ATTRIBUTES":           "service.version=2.1,deployment.environment.name=test",
	})
	p, err := setup.FromEnv(t.Context(), setup.Config{ServiceName: "catalogue", ServiceVersion: "1.0", InstanceID: "web-1"})
	if err != nil {
		t.Fatal(err)
	}
	run(t.Context(), p)
	p.Shutdown(t.Context())

	runs, batches := c.named("bgtransform.run"), c.named("bgtransform.batch")
	if len(runs) != 1 || len(batches) != 1 {
		t.Fatalf("got %d runs and %d batches, want one of each", len(runs), len(batches))
	}
	r, b := runs[0], batches[0]
	if b.TraceID == r.TraceID || b.ParentSpanID != "" {
		t.Errorf("got batch %+v, want the root of another trace than %s", b, r.TraceID)
	}
	if len(b.Links) != 1 || b.Links[0].SpanID != r.SpanID || b.Links[0].TraceID != r.TraceID {
		t.Errorf("got links %v of the batch, want one to %s", b.Links, r.SpanID)
	}
	changed := func(a receivedAttribute) bool { return a.Key == "bgtransform.changed" && a.Value.IntValue == "1000" }
	if !slices.ContainsFunc(b.Attributes, changed) {
		t.Errorf("got attributes %v, want bgtransform.changed=1000", b.Attributes)
	}
	for name, want := range map[string]string{
		"service.name": "catalogue", "service.version": "2.1", "service.instance.id": "web-1",
		"deployment.environment.name": "test", "telemetry.sdk.language": "go",
	} {
		if got := c.resourceAttribute(name); got != want {
			t.Errorf("got resource %s=%q, want %q", name, got, want)
		}
	}
}

func TestBothSignalsThroughOneEndpoint(t *testing.T) {
	c := newCollector(t)
	environ(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	p, err := setup.FromEnv(t.Context(), setup.Config{})
	if err != nil {
		t.Fatal(err)
	}
	run(t.Context(), p)
	p.Shutdown(t.Context())
	p.Shutdown(t.Context())
	got := slices.Sorted(slices.Values(c.requests()))
	if !slices.Equal(got, []string{"/v1/metrics", "/v1/traces"}) {
		t.Errorf("got requests %v, want one for traces and one for metrics", got)
	}
}

func TestNothingIsExportedUnlessAsked(t *testing.T) {
	tests := map[string]func(endpoint string) map[string]string{
		"no variable": func(string) map[string]string { return nil },
		"no exporter": func(url string) map[string]string {
			return map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none",
			}
		},
		"the SDK is disabled": func(url string) map[string]string {
			return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}
		},
		"a name alone": func(string) map[string]string { return map[string]string{"OTEL_SERVICE_NAME": "catalogue"} },
	}
	for name, vars := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			environ(t, vars(c.URL))
			running := goleak.IgnoreCurrent()
			p, err := setup.FromEnv(t.Context(), setup.Config{ServiceName: "catalogue"})
			if err != nil {
				t.Fatal(err)
			}
			goleak.VerifyNone(t, running)
			before := otel.GetTracerProvider()
			p.SetGlobal()
			if p.Exporting() || otel.GetTracerProvider() != before {
				t.Error("providers that do nothing say that they export, or became global")
			}
			run(t.Context(), p)
			p.Shutdown(t.Context())
			if got := c.requests(); len(got) != 0 {
				t.Errorf("got requests %v, want none", got)
			}
			goleak.VerifyNone(t, running)
		})
	}
}

func TestSetGlobal(t *testing.T) {
	c := newCollector(t)
	environ(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	p, err := setup.FromEnv(t.Context(), setup.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if otel.GetTracerProvider() == p.TracerProvider() || otel.GetMeterProvider() == p.MeterProvider() {
		t.Error("the providers are global before anybody asked")
	}
	tracers, meters := otel.GetTracerProvider(), otel.GetMeterProvider()
	p.SetGlobal()
	if otel.GetTracerProvider() != p.TracerProvider() || otel.GetMeterProvider() != p.MeterProvider() {
		t.Error("the providers are not global")
	}
	otel.SetTracerProvider(tracers)
	otel.SetMeterProvider(meters)
	p.Shutdown(t.Context())
}

func TestUnreachableCollector(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			silent := newSilent(t)
			environ(t, map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + silent, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
				"OTEL_LOGS_EXPORTER": "otlp",
			})
			began := time.Now()
			p, err := setup.FromEnv(t.Context(), setup.Config{})
			if err != nil {
				t.Fatal(err)
			}
			run(t.Context(), p)
			slog.New(p.LogHandler(slog.NewTextHandler(t.Output(), nil))).InfoContext(t.Context(), "hello")
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			errs := handled(t)
			p.Shutdown(ctx)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("boot and shutdown took %s, want about 100 ms", took)
			}
			got := strings.Join(errs(), "\n")
			for _, signal := range []string{"traces", "metrics", "logs"} {
				if !strings.Contains(got, signal) {
					t.Errorf("got errors %q, want one of %s", got, signal)
				}
			}
		})
	}
}
