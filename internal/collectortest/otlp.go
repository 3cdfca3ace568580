package collectortest

import (
	"encoding/json"
	"strconv"
	"time"
)

// export is OTLP as JSON, as far as tests look at it.
type export struct {
	ResourceSpans []struct {
		Resource   resource
		ScopeSpans []struct {
			Scope scope
			Spans []span
		}
	}
	ResourceMetrics []struct {
		ScopeMetrics []struct {
			Scope   scope
			Metrics []metric
		}
	}
	ResourceLogs []struct {
		ScopeLogs []struct {
			Scope      scope
			LogRecords []logRecord
		}
	}
}

type resource struct{ Attributes attributes }

type scope struct{ Name, Version string }

type span struct {
	Name, TraceID, SpanID, ParentSpanID string
	StartTimeUnixNano, EndTimeUnixNano  number
	Attributes                          attributes
	Links                               []struct{ SpanID string }
	Events                              []struct{ Name string }
	Status                              struct {
		Code    int
		Message string
	}
}

type metric struct {
	Name, Unit, Description string
	Sum                     *struct {
		DataPoints  []dataPoint
		IsMonotonic bool
	}
	Gauge, Histogram *struct{ DataPoints []dataPoint }
}

type dataPoint struct {
	Attributes attributes
	AsInt      number
	AsDouble   float64
	Count      number
	Sum        float64
	Exemplars  []struct{ TraceID string }
}

type logRecord struct {
	Body            value
	SeverityText    string
	TraceID, SpanID string
	Attributes      attributes
}

// number is an integer, which OTLP spells as a string.
type number int64

func (n *number) UnmarshalJSON(text []byte) error {
	if s, err := strconv.Unquote(string(text)); err == nil {
		text = []byte(s)
	}
	i, err := strconv.ParseInt(string(text), 10, 64)
	*n = number(i)
	return err
}

func (n number) time() time.Time { return time.Unix(0, int64(n)) }

// attributes are the values by their keys.
type attributes map[string]any

func (a *attributes) UnmarshalJSON(text []byte) error {
	var list []struct {
		Key   string
		Value value
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*a = make(attributes, len(list))
	for _, kv := range list {
		(*a)[kv.Key] = kv.Value.plain()
	}
	return nil
}

type value struct {
	StringValue *string
	IntValue    *number
	DoubleValue *float64
	BoolValue   *bool
	KvlistValue *struct{ Values attributes }
}

func (v value) plain() any {
	switch {
	case v.StringValue != nil:
		return *v.StringValue
	case v.IntValue != nil:
		return int64(*v.IntValue)
	case v.DoubleValue != nil:
		return *v.DoubleValue
	case v.BoolValue != nil:
		return *v.BoolValue
	case v.KvlistValue != nil:
		return map[string]any(v.KvlistValue.Values)
	default:
		return nil
	}
}
