package main

import (
	"slices"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// TestBeside has each release look at a pool of one instance, in each stage.
func TestBeside(t *testing.T) {
	t.Parallel()
	legal := map[int][]fleet.Stage{
		1: {fleet.Before, fleet.Old},
		2: {fleet.Before, fleet.Old, fleet.Fallback, fleet.Compare, fleet.New},
		3: {fleet.Compare, fleet.New, fleet.After},
		4: {fleet.New, fleet.After},
	}
	for number, stages := range legal {
		r, err := newRelease(number)
		if err != nil {
			t.Fatal(err)
		}
		for _, stage := range fleet.Stages() {
			want := slices.Contains(stages, stage)
			member := fleet.Member{Instance: "web-1", Term: "1", Stages: map[string]fleet.Stage{moveName: stage}}
			err := r.beside(fleet.Pool{{Member: member, Live: true}})
			if (err == nil) != want {
				t.Errorf("release %d beside one in %s: %v; want that to be allowed: %t", number, stage, err, want)
			}
		}
	}
}
