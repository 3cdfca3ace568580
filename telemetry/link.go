package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// maxLink is the longest link that is looked at: what the engine stores.
const maxLink = 200

// traceparent is the W3C name of the header whose value a link is.
const traceparent = "traceparent"

// formatLink returns sc as a W3C traceparent, or "" when sc is not valid.
func formatLink(sc trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), sc), carrier)
	return carrier[traceparent]
}

// parseLink returns the span that link names. The result is not valid when link
// is empty or was not written by [formatLink]: a link comes from a table that
// anything may have written to.
func parseLink(link string) trace.SpanContext {
	if link == "" || len(link) > maxLink {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceparent: link})
	return trace.SpanContextFromContext(ctx)
}
