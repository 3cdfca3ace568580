package telemetry_test

import (
	"errors"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// everything has an observer report all that it can.
func everything(t *testing.T) *harness {
	t.Helper()
	h := newHarness()
	h.ObserveMoves(&fakeMove{Name: "length"})
	h.ObserveStatus(fakeStatus{all: []bgtransform.Status{{
		Transform: transform, State: bgtransform.StateWaiting, Reason: bgtransform.Reason{Code: bgtransform.ReasonWindow},
		Finish: bgtransform.Forecast{At: time.Now()}, Pool: []bgtransform.PoolStage{{Stage: fleet.Old}},
	}}})
	change := func(event string, err error) {
		h.LeaseChanged(t.Context(), bgtransform.LeaseInfo{Transform: transform, Event: event, Err: err})
	}
	h.wait(t, bgtransform.ReasonHeld, time.Second)
	change("acquired", nil)
	ctx, _ := h.begin(t.Context())
	h.wait(t, bgtransform.ReasonThrottle, time.Second)
	h.batch(ctx, 1, bgtransform.BatchResult{}, errors.New("refused"))
	h.wait(t, bgtransform.ReasonThrottle, time.Second)
	for _, mode := range []string{"revert", "verify", ""} {
		start := batchStart(2)
		start.Mode = mode
		h.BatchEnd(h.BatchStart(ctx, start), bgtransform.BatchEndInfo{BatchStartInfo: start, BatchResult: result()})
	}
	h.RunEnd(ctx, bgtransform.RunEndInfo{RunID: runID(7), State: bgtransform.StateFailed, Err: errors.New("refused")})
	change("lost", errors.New("refused"))
	_, run := h.begin(t.Context()) // whose gauges remain
	h.batch(ctx, 5, result(), nil)
	if run == "" {
		t.Error("a run has no link")
	}
	return h
}

// table returns the rows of the table in the package's documentation whose head begins
// with the given word.
func table(t *testing.T, head string) [][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(file.Doc.Text(), "\n\t"+head+" ")
	if !found {
		t.Fatalf("the documentation has no table of %ss", head)
	}
	var rows [][]string
	for _, line := range strings.Split(rest, "\n")[1:] {
		if !strings.HasPrefix(line, "\t") {
			break
		}
		rows = append(rows, regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), -1))
	}
	return rows
}

func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	var want []string
	for _, row := range table(t, "name") {
		want = append(want, strings.Join(row[:4], " | "))
	}
	var got []string
	for name, m := range everything(t).collect(t) {
		kind, sets := kindOf(t, m)
		got = append(got, strings.Join([]string{name, kind, m.Unit, keysOf(sets)}, " | "))
		if m.Description == "" {
			t.Errorf("%s has no description", name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics, as documented and as they are (-want +got):\n%s", diff)
	}
}

// kindOf returns the kind of a metric, as the table names it, and its attributes.
func kindOf(t *testing.T, m metricdata.Metrics) (string, []attribute.Set) {
	t.Helper()
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		if data.IsMonotonic {
			return "counter", pointSets(data.DataPoints)
		}
		return "updown", pointSets(data.DataPoints)
	case metricdata.Gauge[int64]:
		return "gauge", pointSets(data.DataPoints)
	case metricdata.Gauge[float64]:
		return "gauge", pointSets(data.DataPoints)
	case metricdata.Histogram[int64]:
		return "histogram", histogramSets(data.DataPoints)
	case metricdata.Histogram[float64]:
		return "histogram", histogramSets(data.DataPoints)
	default:
		t.Fatalf("metric %s has data of type %T", m.Name, m.Data)
		return "", nil
	}
}

func pointSets[N int64 | float64](points []metricdata.DataPoint[N]) []attribute.Set {
	sets := make([]attribute.Set, len(points))
	for i := range points {
		sets[i] = points[i].Attributes
	}
	return sets
}

func histogramSets[N int64 | float64](points []metricdata.HistogramDataPoint[N]) []attribute.Set {
	sets := make([]attribute.Set, len(points))
	for i := range points {
		sets[i] = points[i].Attributes
	}
	return sets
}

// keysOf returns the attributes that are in any of the sets, but for the transform, as
// the table spells them.
func keysOf(sets []attribute.Set) string {
	var keys []string
	for _, set := range sets {
		for _, kv := range set.ToSlice() {
			key := strings.TrimPrefix(string(kv.Key), "bgtransform")
			if key != ".transform" && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) == 0 {
		return "-"
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func TestSpanAttributesAreDocumented(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, row := range table(t, "attribute") {
		key := row[0]
		if strings.HasPrefix(key, ".") {
			key = "bgtransform" + key
		}
		want[key] = row[1] + " " + row[2]
	}
	on := map[string]map[string]bool{}
	got := map[string]string{}
	names := map[string]bool{}
	for _, s := range everything(t).spans.Ended() {
		name := strings.TrimPrefix(s.Name(), "bgtransform.")
		if strings.HasSuffix(name, ".batch") {
			name = "batch"
		}
		names[name] = true
		for _, kv := range s.Attributes() {
			key := string(kv.Key)
			if on[key] == nil {
				on[key] = map[string]bool{}
			}
			on[key][name] = true
			got[key] = typeOf(kv.Value)
		}
	}
	for key, kind := range got {
		got[key] = kind + " " + where(on[key], names)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes of spans, as documented and as they are (-want +got):\n%s", diff)
	}
}

func typeOf(v attribute.Value) string {
	switch v.Type() {
	case attribute.INT64:
		return "int"
	case attribute.FLOAT64:
		return "double"
	default:
		return strings.ToLower(v.Type().String())
	}
}

// where names the spans that an attribute is on, in the order in which they come.
func where(on, all map[string]bool) string {
	if len(on) == len(all) {
		return "all"
	}
	var names []string
	for _, name := range []string{"run", "attempt", "batch", "attempt.end", "lease"} {
		if on[name] {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
