package collectortest

// add adds what one request has brought.
func (r *Received) add(body *export) {
	for _, rs := range body.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for i := range ss.Spans {
				r.Spans = append(r.Spans, newSpan(&ss.Spans[i], ss.Scope, rs.Resource))
			}
		}
	}
	for _, rm := range body.ResourceMetrics {
		for _, sm := range rm.ScopeMetrics {
			for i := range sm.Metrics {
				if r.Metrics == nil {
					r.Metrics = map[string]Metric{}
				}
				r.Metrics[sm.Metrics[i].Name] = newMetric(&sm.Metrics[i])
			}
		}
	}
	for _, rl := range body.ResourceLogs {
		for _, sl := range rl.ScopeLogs {
			for _, l := range sl.LogRecords {
				text, _ := l.Body.plain().(string)
				r.Logs = append(r.Logs, Log{
					Body: text, Severity: l.SeverityText, TraceID: l.TraceID, SpanID: l.SpanID, Attributes: l.Attributes, Scope: sl.Scope.Name,
				})
			}
		}
	}
}

func newSpan(s *span, sc scope, r resource) Span {
	out := Span{
		Name: s.Name, TraceID: s.TraceID, SpanID: s.SpanID, ParentSpanID: s.ParentSpanID,
		Start: s.StartTimeUnixNano.time(), End: s.EndTimeUnixNano.time(),
		Status: [...]string{"Unset", "Ok", "Error"}[s.Status.Code], StatusText: s.Status.Message,
		Attributes: s.Attributes, Scope: sc.Name, ScopeVersion: sc.Version, Resource: r.Attributes,
	}
	for _, l := range s.Links {
		out.Links = append(out.Links, l.SpanID)
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, e.Name)
	}
	return out
}

func newMetric(m *metric) Metric {
	out := Metric{Unit: m.Unit, Description: m.Description}
	var points []dataPoint
	switch {
	case m.Sum != nil:
		out.Kind, out.Monotonic, points = "sum", m.Sum.IsMonotonic, m.Sum.DataPoints
	case m.Gauge != nil:
		out.Kind, points = "gauge", m.Gauge.DataPoints
	case m.Histogram != nil:
		out.Kind, points = "histogram", m.Histogram.DataPoints
	}
	for _, p := range points {
		point := Point{Attributes: p.Attributes, Value: float64(p.AsInt) + p.AsDouble + p.Sum, Count: int64(p.Count)}
		for _, e := range p.Exemplars {
			point.Exemplars = append(point.Exemplars, e.TraceID)
		}
		out.Points = append(out.Points, point)
	}
	return out
}
