package telemetry_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// secret stands for what must not be exported: the engine keeps it out of
// errors, and reasons are told to people only.
const secret = "alice@example.com"

func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	h := newHarness()
	reason := bgtransform.Reason{Code: bgtransform.ReasonPaused, Text: "paused by " + secret}
	h.Waiting(t.Context(), bgtransform.WaitInfo{Transform: transform, Reason: reason, For: time.Second})
	h.LeaseChanged(t.Context(), bgtransform.LeaseInfo{Transform: transform, Event: "acquired"})
	ctx, _ := h.begin(t.Context())
	h.ObserveStatus(fakeStatus{all: []bgtransform.Status{{
		Transform: transform, State: bgtransform.StatePaused, Reason: reason, Holder: secret, LastError: secret,
		Pool: []bgtransform.PoolStage{{Instance: secret, Version: secret, Stage: fleet.Old}},
	}}})
	h.LeaseChanged(ctx, bgtransform.LeaseInfo{Transform: transform, Event: "lost", Err: errors.New(secret)})
	h.batch(ctx, 1, bgtransform.BatchResult{}, errors.Join(errors.New("safe to export"), nil))
	h.RunEnd(ctx, bgtransform.RunEndInfo{RunID: runID(7), State: bgtransform.StatePaused, Reason: reason})

	h.only(t, "bgtransform.lease") // so that it is among them
	spans, err := json.Marshal(tracetest.SpanStubsFromReadOnlySpans(h.spans.Ended()))
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := json.Marshal(h.collect(t))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(spans), secret) || strings.Contains(string(metrics), secret) {
		t.Errorf("got %q in spans or metrics:\n%s\n%s", secret, spans, metrics)
	}
	if strings.Contains(string(metrics), "safe to export") {
		t.Errorf("got the text of an error in metrics:\n%s", metrics)
	}
}
