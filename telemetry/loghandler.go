package telemetry

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// The attributes that join a log record to a trace, as OpenTelemetry names them
// in logs that are not its own.
const (
	logTraceID = "trace_id"
	logSpanID  = "span_id"
)

// LogHandler returns a handler that adds trace_id and span_id to the records it
// passes to next, taken from the context that is logged with: of the span that
// it carries or, between the batches of an attempt, of that attempt. Both stand
// at the top of the record, whatever group the logger has opened. A record
// without a span is passed on as it is.
//
// A nil next discards.
func LogHandler(next slog.Handler) slog.Handler {
	if next == nil {
		next = slog.DiscardHandler
	}
	return &logHandler{next: next, top: next}
}

// logHandler keeps, beside the handler with everything applied, the one without
// groups and what was done since: attributes can be put at the top of a record
// only before the first group is opened.
type logHandler struct {
	next slog.Handler // with all attributes and groups
	top  slog.Handler // with what came before the first group
	rest []func(slog.Handler) slog.Handler
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	sc := SpanContext(ctx)
	if !sc.IsValid() {
		return h.next.Handle(ctx, r)
	}
	ids := []slog.Attr{
		slog.String(logTraceID, sc.TraceID().String()),
		slog.String(logSpanID, sc.SpanID().String()),
	}
	if len(h.rest) == 0 {
		r = r.Clone()
		r.AddAttrs(ids...)
		return h.next.Handle(ctx, r)
	}
	next := h.top.WithAttrs(ids)
	for _, apply := range h.rest {
		next = apply(next)
	}
	return next.Handle(ctx, r)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	if len(h.rest) == 0 {
		next := h.next.WithAttrs(attrs)
		return &logHandler{next: next, top: next}
	}
	return h.then(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.then(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

// then returns a handler with one more thing done below the top.
func (h *logHandler) then(apply func(slog.Handler) slog.Handler) slog.Handler {
	return &logHandler{next: apply(h.next), top: h.top, rest: append(slices.Clip(h.rest), apply)}
}

// SpanContext returns the span that what is done with ctx belongs to: the one that it
// carries or, between the batches of an attempt, that of the attempt. It is not valid
// where there is neither.
func SpanContext(ctx context.Context) trace.SpanContext {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return sc
	}
	return runFrom(ctx).attempt
}
