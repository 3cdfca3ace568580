// Command receiver is the OTLP receiver of the OpenTelemetry Collector, with a
// consumer that writes what arrives to its standard output: one request a line,
//
//	{"signal":"traces","protocol":"grpc","data":{"resourceSpans":[…]}}
//
// in which data is what the Collector's own marshaler makes of it, OTLP as JSON.
// The first line is another, which says where it listens:
//
//	{"grpc":"127.0.0.1:34567","http":"127.0.0.1:45678"}
//
// It ends when its standard input does, so that it outlives no test. It is a module
// of its own: nobody who uses ours downloads the Collector.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "receiver:", err)
		os.Exit(1)
	}
}

// run receives until in ends.
func run(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := newLines(out)
	var running []stopper
	addresses := map[string]string{}
	for _, protocol := range []string{"grpc", "http"} {
		r, address, err := start(ctx, protocol, lines)
		if err != nil {
			return fmt.Errorf("start %s: %w", protocol, err)
		}
		running = append(running, r)
		addresses[protocol] = address
	}
	if err := lines.write(addresses); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	for _, r := range running {
		if err := r.Shutdown(ctx); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
	}
	return nil
}
