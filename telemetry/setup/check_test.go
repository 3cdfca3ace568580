package setup_test

import (
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/telemetry/setup"
)

func TestBadValues(t *testing.T) {
	const dead = "http://127.0.0.1:1"
	tests := map[string]struct {
		vars   map[string]string
		says   []string // what the error says
		silent []string // what it does not say
		alive  bool     // whether the other signal works
	}{
		"an unknown exporter": {
			vars: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"},
			says: []string{`OTEL_TRACES_EXPORTER="zipkin"`},
		},
		"an unknown exporter of one signal": {
			vars:  map[string]string{"OTEL_METRICS_EXPORTER": "statsd", "OTEL_EXPORTER_OTLP_ENDPOINT": dead},
			says:  []string{`OTEL_METRICS_EXPORTER="statsd"`},
			alive: true,
		},
		"a switch that is neither": {
			vars: map[string]string{"OTEL_SDK_DISABLED": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": dead},
			says: []string{`OTEL_SDK_DISABLED="1"`, "true or false"},
		},
		"a protocol": {
			vars: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OTEL_EXPORTER_OTLP_PROTOCOL": "http"},
			says: []string{`OTEL_EXPORTER_OTLP_PROTOCOL="http"`, "http/protobuf"},
		},
		"JSON for metrics": {
			vars:  map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
			says:  []string{`OTEL_EXPORTER_OTLP_PROTOCOL="http/json"`, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"},
			alive: true,
		},
		"an endpoint without a scheme": {
			vars: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"},
			says: []string{`OTEL_EXPORTER_OTLP_ENDPOINT="localhost:4318"`, "http://localhost:4318"},
		},
		"an endpoint that is no URL": {
			vars:  map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "127.0.0.1:4318", "OTEL_EXPORTER_OTLP_ENDPOINT": dead},
			says:  []string{`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="127.0.0.1:4318"`},
			alive: true,
		},
		"an endpoint with a password": {
			vars:   map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "tcp://me:hush@collector"},
			says:   []string{"@collector"},
			silent: []string{"hush"},
		},
		"numbers that would make the SDK panic": {
			vars: map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
				"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "-1", "OTEL_METRIC_EXPORT_INTERVAL": "1m",
			},
			says: []string{`OTEL_BSP_MAX_QUEUE_SIZE="-1"`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE="-1"`, `OTEL_METRIC_EXPORT_INTERVAL="1m"`},
		},
		"numbers of the log's queue": {
			vars: map[string]string{"OTEL_LOGS_EXPORTER": "otlp", "OTEL_BLRP_MAX_QUEUE_SIZE": "-1"},
			says: []string{`OTEL_BLRP_MAX_QUEUE_SIZE="-1"`},
		},
		"JSON for logs": {
			vars: map[string]string{"OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
			says: []string{"for logs", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_LOGS_EXPORTER to none"},
		},
		"a timeout": {
			vars: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"},
			says: []string{`OTEL_EXPORTER_OTLP_TIMEOUT="10s"`},
		},
		"a sampler": {
			vars:  map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OTEL_TRACES_SAMPLER": "sometimes"},
			says:  []string{`OTEL_TRACES_SAMPLER="sometimes"`},
			alive: true,
		},
		"a ratio": {
			vars: map[string]string{
				"OTEL_TRACES_EXPORTER": "otlp",
				"OTEL_TRACES_SAMPLER":  "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1%",
			},
			says: []string{`OTEL_TRACES_SAMPLER_ARG="1%"`},
		},
		"an attribute without a value": {
			vars:  map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OTEL_RESOURCE_ATTRIBUTES": "region"},
			says:  []string{`OTEL_RESOURCE_ATTRIBUTES="region"`},
			alive: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, tt.vars)
			handled(t)
			p, err := setup.FromEnv(t.Context(), setup.Config{})
			if err == nil {
				t.Fatal("got no error")
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("got error %q, want %q in it", err, s)
				}
			}
			for _, s := range tt.silent {
				if strings.Contains(err.Error(), s) {
					t.Errorf("got error %q, want no %q in it", err, s)
				}
			}
			if p.Exporting() != tt.alive {
				t.Errorf("got Exporting() = %t, want %t", p.Exporting(), tt.alive)
			}
			run(t.Context(), p)
			p.Shutdown(t.Context())
		})
	}
}

func TestGoodValues(t *testing.T) {
	tests := map[string]map[string]string{
		"a console":         {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console", "OTEL_METRIC_EXPORT_INTERVAL": "60000"},
		"a gRPC target":     {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "dns:///127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"a ratio":           {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
		"a Prometheus port": {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"},
	}
	for name, vars := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, vars)
			handled(t)
			p, err := setup.FromEnv(t.Context(), setup.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if !p.Exporting() {
				t.Error("got providers that do nothing")
			}
			p.Shutdown(t.Context())
		})
	}
}
