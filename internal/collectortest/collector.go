package collectortest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// The protocols that the receiver speaks, as OTEL_EXPORTER_OTLP_PROTOCOL spells them.
const (
	GRPC = "grpc"
	HTTP = "http/protobuf"
)

// Collector is a receiver that runs. It ends with its test.
type Collector struct {
	addresses map[string]string // by protocol

	mu       sync.Mutex
	received map[string]*Received // by protocol
}

// Start builds the receiver and starts it, on free ports.
func Start(t testing.TB) *Collector {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), build(t)) // a test's context ends before its clean-up
	stdin, err := cmd.StdinPipe()                              // it ends with this pipe, also if this process is killed
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("collectortest: start the receiver: %v", err)
	}
	c := &Collector{received: map[string]*Received{GRPC: {}, HTTP: {}}}
	lines := bufio.NewReader(stdout)
	read := make(chan error, 1)
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := <-read; err != nil {
			t.Errorf("collectortest: read what was received: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("collectortest: the receiver: %v\n%s", err, stderr.Bytes())
		}
	})
	if err := c.greeting(lines); err != nil {
		read <- nil
		t.Fatalf("collectortest: the receiver does not say where it listens: %v\n%s", err, stderr.Bytes())
	}
	go func() { read <- c.read(lines) }() // ends with the receiver
	return c
}

// greeting reads the first line, which says where the receiver listens.
func (c *Collector) greeting(lines *bufio.Reader) error {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var at struct{ GRPC, HTTP string }
	if err := json.Unmarshal(line, &at); err != nil {
		return err
	}
	c.addresses = map[string]string{GRPC: at.GRPC, HTTP: at.HTTP}
	return nil
}

// read keeps what is received until the receiver ends.
func (c *Collector) read(lines *bufio.Reader) error {
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.keep(line); err != nil {
			return err
		}
	}
}

// Environ returns the variables that have an app send all signals by a protocol, and
// soon.
func (c *Collector) Environ(protocol string) []string {
	return []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + c.addresses[protocol],
		"OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol,
		"OTEL_LOGS_EXPORTER=otlp",
		"OTEL_BSP_SCHEDULE_DELAY=50",
		"OTEL_BLRP_SCHEDULE_DELAY=50",
		"OTEL_METRIC_EXPORT_INTERVAL=100",
	}
}

// Received returns what has come by a protocol so far.
func (c *Collector) Received(protocol string) Received {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received[protocol].clone()
}

// waitLimit is far more than an export takes.
const waitLimit = 2 * time.Minute

// Wait waits until what has come by a protocol is enough, and returns it.
func (c *Collector) Wait(t testing.TB, protocol, what string, enough func(Received) bool) Received {
	t.Helper()
	deadline := time.NewTimer(waitLimit)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		got := c.Received(protocol)
		if enough(got) {
			return got
		}
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("collectortest: waited too long by %s for %s; got %s", protocol, what, got)
		}
	}
}
