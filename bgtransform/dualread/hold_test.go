package dualread_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

func TestAHeldPhaseIsOnlyAskedFor(t *testing.T) {
	t.Parallel()
	c := newColumn(t, lengthMove())
	told := 0
	c.Hold(func() { told++ })
	want := func(when string, phase, asked dualread.Phase) {
		t.Helper()
		if c.Phase() != phase || c.Asked() != asked {
			t.Errorf("%s: phase %s, asked %s; want %s and %s", when, c.Phase(), c.Asked(), phase, asked)
		}
	}
	want("held", dualread.PhaseFallback, dualread.PhaseFallback)
	setPhase(t, c, dualread.PhaseNew)
	want("asked", dualread.PhaseFallback, dualread.PhaseNew)
	if told != 1 {
		t.Errorf("told %d times, want 1", told)
	}
	if err := c.Enter(dualread.PhaseCompare); err != nil {
		t.Fatal(err)
	}
	want("entered", dualread.PhaseCompare, dualread.PhaseNew)
	if err := c.Enter(dualread.Phase(99)); err == nil {
		t.Error("Enter of a phase that is none = nil, want an error")
	}
	c.Hold(nil)
	want("given back", dualread.PhaseCompare, dualread.PhaseCompare)
	setPhase(t, c, dualread.PhaseOld)
	want("free", dualread.PhaseOld, dualread.PhaseOld)
}
