package collectortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Received is what has come by one protocol.
type Received struct {
	Spans   []Span
	Logs    []Log
	Metrics map[string]Metric // the newest, by name
	Raw     string            // all of it, as the Collector's marshaler spells it
}

// Span is a span as it was received. Numbers in attributes are int64 or float64.
type Span struct {
	Name                          string
	TraceID, SpanID, ParentSpanID string
	Start, End                    time.Time
	Links                         []string // the ids of the spans
	Events                        []string // their names
	Status, StatusText            string   // Status is Unset, Ok or Error
	Attributes                    map[string]any
	Scope, ScopeVersion           string
	Resource                      map[string]any
}

// Metric is a metric as it was received.
type Metric struct {
	Unit, Description string
	Kind              string // sum, gauge or histogram
	Monotonic         bool
	Points            []Point
}

// Point is one data point. A histogram has Count and, as its Value, the sum.
type Point struct {
	Attributes map[string]any
	Value      float64
	Count      int64
	Exemplars  []string // the ids of the traces
}

// Log is a record of a log.
type Log struct {
	Body, Severity  string
	TraceID, SpanID string
	Attributes      map[string]any
	Scope           string
}

// Named returns the spans of a name, in the order in which they began.
func (r Received) Named(name string) []Span {
	var spans []Span
	for _, s := range r.Spans {
		if s.Name == name {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return spans
}

// String sums up what has come, for the message of a test that waits in vain.
func (r Received) String() string {
	names := map[string]int{}
	for _, s := range r.Spans {
		names[s.Name]++
	}
	return fmt.Sprintf("spans %v, metrics %v, %d logs", names, slices.Sorted(maps.Keys(r.Metrics)), len(r.Logs))
}

func (r *Received) clone() Received {
	return Received{Spans: slices.Clone(r.Spans), Logs: slices.Clone(r.Logs), Metrics: maps.Clone(r.Metrics), Raw: r.Raw}
}

// keep takes one line of the receiver.
func (c *Collector) keep(line []byte) error {
	var request struct {
		Signal, Protocol string
		Data             json.RawMessage
	}
	if err := json.Unmarshal(line, &request); err != nil {
		return fmt.Errorf("%w in %s", err, line)
	}
	var body export
	if err := json.Unmarshal(request.Data, &body); err != nil {
		return fmt.Errorf("%w in %s", err, line)
	}
	protocol := GRPC
	if strings.HasPrefix(request.Protocol, "http") {
		protocol = HTTP
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	to := c.received[protocol]
	to.Raw += string(line)
	to.add(&body)
	return nil
}
