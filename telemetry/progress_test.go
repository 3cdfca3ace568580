package telemetry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestProgressGauges(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, _ := h.begin(t.Context())
	check := func(when string, remaining, rate map[string]float64) {
		t.Helper()
		if diff := cmp.Diff(remaining, h.series(t, "bgtransform.remaining")); diff != "" {
			t.Errorf("%s: remaining (-want +got):\n%s", when, diff)
		}
		if diff := cmp.Diff(rate, h.series(t, "bgtransform.rate")); diff != "" {
			t.Errorf("%s: rate (-want +got):\n%s", when, diff)
		}
	}
	none := map[string]float64{}
	check("before the first batch", none, none)

	h.batch(ctx, 1, result(), nil)
	check("after a batch", map[string]float64{key("", ""): 41000}, map[string]float64{key("", ""): 1200.5})

	h.batch(ctx, 2, bgtransform.BatchResult{Remaining: -1, RowsPerSec: 5}, nil)
	check("when the rest is unknown", none, map[string]float64{key("", ""): 5})

	h.RunEnd(ctx, bgtransform.RunEndInfo{RunID: runID(7), State: bgtransform.StateWaiting})
	check("after the attempt", none, none)
}
