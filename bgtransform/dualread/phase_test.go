package dualread_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

func TestPhaseTextRoundTrips(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]dualread.Phase{
		"old":      dualread.PhaseOld,
		"fallback": dualread.PhaseFallback,
		"compare":  dualread.PhaseCompare,
		"new":      dualread.PhaseNew,
	} {
		got, err := dualread.ParsePhase(text)
		if err != nil || got != want {
			t.Errorf("ParsePhase(%q) = %v, %v, want %v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("String() = %q, want %q", got, text)
		}
		var decoded dualread.Phase
		encoded, err := json.Marshal(want)
		if err != nil || json.Unmarshal(encoded, &decoded) != nil || decoded != want {
			t.Errorf("JSON of %v: %s, back as %v, error %v", want, encoded, decoded, err)
		}
	}
}

func TestPhaseDefaultsToFallback(t *testing.T) {
	t.Parallel()
	var zero dualread.Phase
	if zero != dualread.PhaseFallback {
		t.Errorf("zero Phase = %v, want fallback", zero)
	}
	if got := newColumn(t, lengthMove()).Phase(); got != dualread.PhaseFallback {
		t.Errorf("Phase of a column = %v, want fallback", got)
	}
}

func TestPhaseRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "New", " new", "compared", "Phase(0)", "1"} {
		p := dualread.PhaseNew
		err := p.UnmarshalText([]byte(text))
		if err == nil {
			t.Errorf("UnmarshalText(%q) = nil, want an error", text)
		}
		if p != dualread.PhaseNew {
			t.Errorf("UnmarshalText(%q) left %v, want the phase as it was", text, p)
		}
	}
	_, err := dualread.ParsePhase("newish")
	const want = `dualread: unknown phase "newish": valid are old, fallback, compare and new`
	if err == nil || err.Error() != want {
		t.Errorf("ParsePhase error:\n got %v\nwant %s", err, want)
	}
	if text, err := dualread.Phase(9).MarshalText(); err == nil {
		t.Errorf("Phase(9).MarshalText() = %q, want an error", text)
	}
}

func TestSetPhaseRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	c := newColumn(t, lengthMove())
	setPhase(t, c, dualread.PhaseOld)
	err := c.SetPhase(dualread.Phase(9))
	const want = `set phase of move "track-length-ms": dualread: unknown phase Phase(9): valid are old, fallback, compare and new`
	if err == nil || err.Error() != want {
		t.Errorf("SetPhase error:\n got %v\nwant %s", err, want)
	}
	if got := c.Phase(); got != dualread.PhaseOld {
		t.Errorf("Phase() = %v after an error, want old", got)
	}
}

func TestPhasesMoveInOrder(t *testing.T) {
	t.Parallel()
	order := dualread.Phases()
	if want := []dualread.Phase{dualread.PhaseOld, dualread.PhaseFallback, dualread.PhaseCompare, dualread.PhaseNew}; !slices.Equal(order, want) {
		t.Fatalf("Phases() = %v, want %v", order, want)
	}
	for i, a := range order {
		for j, b := range order {
			if got := a.Distance(b); got != j-i {
				t.Errorf("%v.Distance(%v) = %d, want %d", a, b, got, j-i)
			}
			if got, want := dualread.Adjacent(a, b), max(i-j, j-i) <= 1; got != want {
				t.Errorf("Adjacent(%v, %v) = %t, want %t", a, b, got, want)
			}
		}
		if got, want := a.ReadsOld(), a != dualread.PhaseNew; got != want {
			t.Errorf("%v.ReadsOld() = %t, want %t", a, got, want)
		}
		none := dualread.Phase(9)
		if dualread.Adjacent(a, none) || dualread.Adjacent(none, none) || a.Distance(none) != 0 {
			t.Errorf("%v is said to be near to a phase that is none", a)
		}
	}
}
