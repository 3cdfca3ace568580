package telemetry_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/telemetry"
)

var _ telemetry.Move = (*dualread.Column[struct{}, int64])(nil)

type fakeMove dualread.Stats

func (m *fakeMove) Stats() dualread.Stats { return dualread.Stats(*m) }

func TestObserveMoves(t *testing.T) {
	t.Parallel()
	h := newHarness()
	length := &fakeMove{Name: "length", Fallbacks: 12, Missing: 1, Compared: 9, Mismatches: 2}
	genre := &fakeMove{Name: "genre", Fallbacks: math.MaxUint64}
	unregister := h.ObserveMoves(length, genre)
	length.Fallbacks = 13

	want := map[string]float64{"bgtransform.move=length": 13, "bgtransform.move=genre": math.MaxInt64}
	if diff := cmp.Diff(want, h.series(t, "bgtransform.dualread.fallbacks")); diff != "" {
		t.Errorf("fallbacks (-want +got):\n%s", diff)
	}
	want = map[string]float64{"bgtransform.move=length": 1, "bgtransform.move=genre": 0}
	if diff := cmp.Diff(want, h.series(t, "bgtransform.dualread.missing")); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	want = map[string]float64{"bgtransform.move=length": 9, "bgtransform.move=genre": 0}
	if diff := cmp.Diff(want, h.series(t, "bgtransform.dualread.compared")); diff != "" {
		t.Errorf("compared (-want +got):\n%s", diff)
	}
	want = map[string]float64{"bgtransform.move=length": 2, "bgtransform.move=genre": 0}
	if diff := cmp.Diff(want, h.series(t, "bgtransform.dualread.mismatches")); diff != "" {
		t.Errorf("mismatches (-want +got):\n%s", diff)
	}

	unregister()
	unregister()
	if got := h.series(t, "bgtransform.dualread.fallbacks"); len(got) != 0 {
		t.Errorf("got %v after unregister, want nothing", got)
	}
}
