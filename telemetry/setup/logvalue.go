package setup

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// appendAttrs converts attributes of slog. Empty ones are left out, and a group without
// a name is put in the place where it stands, as slog asks of handlers.
func appendAttrs(to []attribute.KeyValue, attrs ...slog.Attr) []attribute.KeyValue {
	for _, a := range attrs {
		v := a.Value.Resolve()
		switch {
		case a.Equal(slog.Attr{}):
		case v.Kind() != slog.KindGroup:
			to = append(to, attribute.KeyValue{Key: attribute.Key(a.Key), Value: valueOf(v)})
		case a.Key == "":
			to = appendAttrs(to, v.Group()...)
		case len(v.Group()) > 0:
			to = append(to, attribute.Map(a.Key, appendAttrs(nil, v.Group()...)...))
		}
	}
	return to
}

// valueOf converts a value that is no group. Durations and times are spelled as the
// application's own log spells them.
func valueOf(v slog.Value) attribute.Value {
	switch v.Kind() {
	case slog.KindBool:
		return attribute.BoolValue(v.Bool())
	case slog.KindInt64:
		return attribute.Int64Value(v.Int64())
	case slog.KindFloat64:
		return attribute.Float64Value(v.Float64())
	case slog.KindTime:
		return attribute.StringValue(v.Time().Format(time.RFC3339Nano))
	case slog.KindUint64:
		if v.Uint64() <= math.MaxInt64 {
			return attribute.Int64Value(int64(v.Uint64()))
		}
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return attribute.StringValue(err.Error())
		}
		return attribute.StringValue(fmt.Sprintf("%+v", v.Any()))
	default: // a text, or a duration
	}
	return attribute.StringValue(v.String())
}
