package setup_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// collector receives OTLP as JSON, and counts all that it receives.
type collector struct {
	*httptest.Server

	mu       sync.Mutex
	paths    []string
	resource map[string]string
	spans    []receivedSpan
}

// receivedSpan is what the tests look at of a span in OTLP.
type receivedSpan struct {
	Name, TraceID, SpanID, ParentSpanID string
	Links                               []struct{ TraceID, SpanID string }
	Attributes                          []receivedAttribute
}

type receivedAttribute struct {
	Key   string
	Value struct{ StringValue, IntValue string }
}

// export is the body of a request for traces.
type export struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes []receivedAttribute }
		ScopeSpans []struct {
			Scope struct{ Name, Version string }
			Spans []receivedSpan
		}
	}
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{resource: make(map[string]string)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) receive(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paths = append(c.paths, r.URL.Path)
	if r.Header.Get("Content-Type") != "application/json" {
		_, _ = io.Copy(io.Discard, r.Body)
		return
	}
	var body export
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, rs := range body.ResourceSpans {
		for _, a := range rs.Resource.Attributes {
			c.resource[a.Key] = a.Value.StringValue
		}
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
}

// requests returns the paths that were asked for.
func (c *collector) requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paths
}

// named returns the received spans of a name.
func (c *collector) named(name string) []receivedSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	var spans []receivedSpan
	for _, s := range c.spans {
		if s.Name == name {
			spans = append(spans, s)
		}
	}
	return spans
}

// resourceAttribute returns what the resource of the spans says.
func (c *collector) resourceAttribute(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource[name]
}
