package main

import (
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
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
		for _, stage := range fleet.Stages() {
			want := slices.Contains(stages, stage)
			if err := beside(t, number, stage); (err == nil) != want {
				t.Errorf("release %d beside one in %s: %v; want that to be allowed: %t", number, stage, err, want)
			}
		}
	}
}

// beside has a release ask for admission beside an instance in a stage.
func beside(t *testing.T, number int, stage fleet.Stage) error {
	t.Helper()
	r, err := newRelease(number)
	if err != nil {
		t.Fatal(err)
	}
	member := fleet.Member{Instance: "web-1", Term: "1", Stages: map[string]fleet.Stage{moveName: stage}}
	registry := new(fleettest.Memory)
	if err := registry.Announce(t.Context(), member, time.Hour); err != nil {
		t.Fatal(err)
	}
	sched, err := bgtransform.New(openTest(t, filepath.Join(t.TempDir(), "music.db")), bgtransform.Config{Environ: []string{}, Logger: slog.New(slog.DiscardHandler), Fleet: registry, Contracted: r.contracted})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.register(sched); err != nil {
		t.Fatal(err)
	}
	if err := sched.Admit(t.Context()); err != nil || number != 3 {
		return err
	}
	return r.alone(fleet.Pool{{Member: member, Live: true}})
}
