package telemetry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestModes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mode, span, said string
		result           bgtransform.BatchResult
		rows             map[string]float64
	}{
		"a transform": {
			mode: "", span: "bgtransform.batch", said: "transform",
			result: bgtransform.BatchResult{Keys: 10, Changed: 7, Moved: 2, Quarantined: 1},
			rows:   map[string]float64{key("outcome", "changed"): 7, key("outcome", "moved"): 2, key("outcome", "quarantined"): 1},
		},
		"a revert": {
			mode: "revert", span: "bgtransform.revert.batch", said: "revert",
			result: bgtransform.BatchResult{Keys: 10, Changed: 7, Moved: 2, Quarantined: 1},
			rows:   map[string]float64{key("outcome", "reverted"): 7, key("outcome", "moved"): 2, key("outcome", "quarantined"): 1},
		},
		"a verification": {
			mode: "verify", span: "bgtransform.verify.batch", said: "verify",
			result: bgtransform.BatchResult{Keys: 10, Checked: 10, Mismatched: 3, Changed: 2},
			rows:   map[string]float64{key("outcome", "checked"): 10, key("outcome", "mismatched"): 3, key("outcome", "repaired"): 2},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness()
			ctx, _ := h.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(7), Mode: tt.mode, First: true})
			start := batchStart(1)
			start.Mode = tt.mode
			h.BatchEnd(h.BatchStart(ctx, start), bgtransform.BatchEndInfo{BatchStartInfo: start, BatchResult: tt.result})

			for _, span := range []string{"bgtransform.run", "bgtransform.attempt", tt.span} {
				if got := attributes(h.only(t, span))["bgtransform.mode"]; got != tt.said {
					t.Errorf("got mode %v of %s, want %s", got, span, tt.said)
				}
			}
			if diff := cmp.Diff(tt.rows, h.series(t, "bgtransform.rows")); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			_, checked := attributes(h.only(t, tt.span))["bgtransform.checked"]
			if checked != (tt.mode == "verify") {
				t.Errorf("got bgtransform.checked on a batch of %s: %t", name, checked)
			}
		})
	}
}
