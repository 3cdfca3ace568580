package telemetry_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/telemetry"
)

// exercise calls everything once.
func exercise(t *testing.T, o *telemetry.Observer) {
	t.Helper()
	ctx, link := o.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(7), First: true})
	o.LeaseChanged(ctx, bgtransform.LeaseInfo{Transform: transform, Event: "acquired"})
	o.Waiting(ctx, bgtransform.WaitInfo{Transform: transform, For: time.Second})
	batch := o.BatchStart(ctx, batchStart(1))
	o.BatchEnd(batch, bgtransform.BatchEndInfo{BatchStartInfo: batchStart(1), BatchResult: result()})
	o.RunEnd(ctx, bgtransform.RunEndInfo{RunID: runID(7)})
	o.ObserveMoves(&fakeMove{Name: "length"})()
	o.ObserveStatus(fakeStatus{})()
	if len(link) > 200 {
		t.Errorf("got a link of %d bytes, want at most 200", len(link))
	}
}

func TestObserverWithoutProviders(t *testing.T) {
	t.Parallel()
	exercise(t, telemetry.New())
	exercise(t, telemetry.New(nil, telemetry.WithTracerProvider(nil), telemetry.WithMeterProvider(nil)))
	exercise(t, telemetry.New(
		telemetry.WithTracerProvider(nooptrace.NewTracerProvider()),
		telemetry.WithMeterProvider(noopmetric.NewMeterProvider()),
	))
}

func TestObserverConcurrentSafe(t *testing.T) {
	t.Parallel()
	h := newHarness()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				exercise(t, h.Observer)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			h.collect(t)
		}
	})
	wg.Wait()
	if got := len(h.named("bgtransform.batch")); got != 160 {
		t.Errorf("got %d batches, want 160", got)
	}
}

// refusing is a meter provider whose meter makes no instrument.
type refusing struct{ noopmetric.MeterProvider }

type refusingMeter struct{ noopmetric.Meter }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

func (refusingMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func (refusingMeter) Int64UpDownCounter(name string, _ ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func (refusingMeter) Int64Histogram(name string, _ ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func (refusingMeter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func (refusingMeter) Int64ObservableCounter(name string, _ ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func (refusingMeter) Int64ObservableGauge(name string, _ ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func (refusingMeter) Float64ObservableGauge(name string, _ ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return nil, fmt.Errorf("refused: %s", name)
}

func TestObserverWithoutInstruments(t *testing.T) {
	t.Parallel()
	exercise(t, telemetry.New(telemetry.WithMeterProvider(refusing{})))
}

func TestDependsOnTheAPIOnly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			for _, no := range []string{"otel/sdk", "otel/exporters", "autoexport", "telemetry/setup"} {
				if strings.Contains(spec.Path.Value, no) {
					t.Errorf("%s imports %s", name, spec.Path.Value)
				}
			}
		}
	}
}
