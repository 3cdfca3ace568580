package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// lines writes values as lines of JSON. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	out *json.Encoder
}

func newLines(out io.Writer) *lines { return &lines{out: json.NewEncoder(out)} }

func (l *lines) write(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Encode(v); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	return nil
}

// request is what one line says.
type request struct {
	Signal   string          `json:"signal"`
	Protocol string          `json:"protocol"`
	Data     json.RawMessage `json:"data"`
}

// sink writes what comes by one protocol.
type sink struct {
	protocol string
	lines    *lines
}

func (s sink) traces(td ptrace.Traces) error {
	data, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	return s.put("traces", data, err)
}

func (s sink) metrics(md pmetric.Metrics) error {
	data, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
	return s.put("metrics", data, err)
}

func (s sink) logs(ld plog.Logs) error {
	data, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
	return s.put("logs", data, err)
}

func (s sink) put(signal string, data []byte, err error) error {
	if err != nil {
		return fmt.Errorf("marshal %s: %w", signal, err)
	}
	return s.lines.write(request{Signal: signal, Protocol: s.protocol, Data: data})
}
