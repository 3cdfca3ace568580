package setup

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/telemetry"
)

// LogHandler returns a handler that passes every record to next and exports it too, if
// the environment asks for logs; else it returns next. Next also decides which levels
// are worth it. An exported record carries the trace that it was logged in: of the batch
// or, between the batches of an attempt, of that attempt. A nil next discards.
//
// Logging does not wait for the export. Records that come faster than they can be sent
// are dropped.
func (p *Providers) LogHandler(next slog.Handler) slog.Handler {
	if next == nil {
		next = slog.DiscardHandler
	}
	if !p.hasLogger {
		return next
	}
	return newLogHandler(next, p.logger)
}

func newLogHandler(next slog.Handler, to log.LoggerProvider) slog.Handler {
	logger := to.Logger(telemetry.ScopeName, log.WithInstrumentationVersion(telemetry.Version))
	return &logHandler{next: next, logger: logger, open: []group{{}}}
}

// logHandler leads records of slog into OpenTelemetry's logs.
type logHandler struct {
	next   slog.Handler
	logger log.Logger
	open   []group // the outermost, which has no name, first; there is at least that
}

// group is a group of attributes that has been opened, with what was put into it so far.
type group struct {
	name  string
	attrs []attribute.KeyValue
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	open := slices.Clone(h.open)
	last := &open[len(open)-1]
	last.attrs = appendAttrs(slices.Clip(last.attrs), attrs...)
	return &logHandler{next: h.next.WithAttrs(attrs), logger: h.logger, open: open}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &logHandler{next: h.next.WithGroup(name), logger: h.logger, open: append(slices.Clip(h.open), group{name: name})}
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	var record log.Record
	record.SetTimestamp(r.Time)
	record.SetBody(attribute.StringValue(r.Message))
	record.SetSeverity(severity(r.Level))
	record.SetSeverityText(r.Level.String())
	record.AddAttributes(h.attributes(r)...)
	h.logger.Emit(trace.ContextWithSpanContext(ctx, telemetry.SpanContext(ctx)), record)
	return h.next.Handle(ctx, r)
}

// attributes returns those of the record within the groups that are open, and those
// that the handler has. Groups with nothing in them are left out.
func (h *logHandler) attributes(r slog.Record) []attribute.KeyValue {
	last := len(h.open) - 1
	attrs := slices.Clip(h.open[last].attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = appendAttrs(attrs, a)
		return true
	})
	for i := last; i > 0; i-- {
		inner := attrs
		attrs = slices.Clip(h.open[i-1].attrs)
		if len(inner) > 0 {
			attrs = append(attrs, attribute.Map(h.open[i].name, inner...))
		}
	}
	return attrs
}

// severity puts a level of slog at its place among OpenTelemetry's: both count four
// steps from Debug to Info, from there to Warn, and to Error.
func severity(level slog.Level) log.Severity {
	return min(max(log.SeverityInfo1+log.Severity(level), log.SeverityTrace1), log.SeverityFatal4)
}
