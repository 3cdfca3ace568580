package fleettest_test

import (
	"errors"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	fleettest.Run(t, fleettest.Options{Bubble: true, New: func(*testing.T) (fleet.Registry, fleet.Registry) {
		r := new(fleettest.Memory)
		return r, r
	}})
}

func TestMemoryFailsAndForgets(t *testing.T) {
	t.Parallel()
	var r fleettest.Memory
	m, down := fleet.Member{Instance: "a", Term: "a"}, errors.New("down")
	if err := r.Announce(t.Context(), m, 1e9); err != nil {
		t.Fatal(err)
	}
	r.Fail(down)
	_, err := r.Members(t.Context())
	if err = errors.Join(err, r.Announce(t.Context(), m, 1), r.Leave(t.Context(), m)); !errors.Is(err, down) {
		t.Errorf("error %v, want %v", err, down)
	}
	r.Fail(nil)
	r.Forget()
	if all, err := r.Members(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("after it forgot: %v, %v", all, err)
	}
}
