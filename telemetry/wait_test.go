package telemetry_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (h *harness) wait(t *testing.T, code bgtransform.ReasonCode, d time.Duration) {
	h.Waiting(t.Context(), bgtransform.WaitInfo{
		Transform: transform, Reason: bgtransform.Reason{Code: code, Text: "paused by alice"}, For: d,
	})
}

func TestWaitMetrics(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.wait(t, bgtransform.ReasonWindow, time.Hour)
	h.wait(t, bgtransform.ReasonWindow, time.Minute)
	h.wait(t, bgtransform.ReasonHeld, -time.Second)

	counts := map[string]float64{key("reason", "window"): 2, key("reason", "held"): 1}
	if diff := cmp.Diff(counts, h.series(t, "bgtransform.waits")); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	seconds := map[string]float64{key("reason", "window"): 3660, key("reason", "held"): 0}
	if diff := cmp.Diff(seconds, h.series(t, "bgtransform.wait.duration")); diff != "" {
		t.Errorf("wait.duration (-want +got):\n%s", diff)
	}
	if n := len(h.spans.Started()); n != 0 {
		t.Errorf("got %d spans of waits, want none", n)
	}
}

func TestWaitIsToldByTheNextSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness()
		h.wait(t, bgtransform.ReasonWindow, time.Hour)
		<-time.After(time.Hour) // of the bubble
		h.wait(t, bgtransform.ReasonWindow, time.Hour)
		<-time.After(time.Hour)
		ctx, _ := h.begin(t.Context())
		h.batch(ctx, 1, result(), nil)
		h.wait(t, bgtransform.ReasonThrottle, time.Second)
		<-time.After(2 * time.Second)
		h.batch(ctx, 2, result(), nil)

		type told struct{ Reason, Seconds any }
		batches := h.named("bgtransform.batch")
		got := []told{}
		for _, s := range append(batches, h.only(t, "bgtransform.attempt")) {
			a := attributes(s)
			got = append(got, told{a["bgtransform.wait.reason"], a["bgtransform.wait.seconds"]})
		}
		want := []told{{nil, nil}, {"throttle", 2.0}, {"window", 7200.0}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batch, batch, attempt (-want +got):\n%s", diff)
		}
	})
}
