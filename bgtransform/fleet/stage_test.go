package fleet_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// Every pair of stages, by the one table that says which may live side by side.
func TestOnlyNeighboursLiveSideBySide(t *testing.T) {
	t.Parallel()
	table := []string{ // a row for each stage, a column for each other
		"yy....",
		"yyy...",
		".yyy..",
		"..yyy.",
		"...yyy",
		"....yy",
	}
	for i, a := range fleet.Stages() {
		for j, b := range fleet.Stages() {
			if want := table[i][j] == 'y'; a.Beside(b) != want {
				t.Errorf("%s.Beside(%s) = %t, want %t", a, b, !want, want)
			}
		}
	}
	if later := fleet.Stage("later"); later.Beside(fleet.Old) || fleet.New.Beside(later) || !later.Beside(later) {
		t.Error("a stage that is not known may live beside itself only")
	}
}

func TestWhatAStageReadsAndWrites(t *testing.T) {
	t.Parallel()
	for s, want := range map[fleet.Stage][2]bool{
		fleet.Before: {false, true}, fleet.Old: {true, true}, fleet.Fallback: {true, true}, fleet.Compare: {true, true},
		fleet.New: {true, false}, fleet.After: {false, false}, "later": {false, true},
	} {
		if got := [2]bool{s.WritesBoth(), s.NeedsOld()}; got != want {
			t.Errorf("%s writes both, needs the old column: %v, want %v", s, got, want)
		}
	}
}

func TestParseStage(t *testing.T) {
	t.Parallel()
	for _, s := range fleet.Stages() {
		if got, err := fleet.ParseStage(string(s)); got != s || err != nil {
			t.Errorf("ParseStage(%q) = %q, %v", s, got, err)
		}
	}
	_, err := fleet.ParseStage("NEW")
	if want := `fleet: unknown stage "NEW": valid are before, old, fallback, compare, new, after`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
