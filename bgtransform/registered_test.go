package bgtransform_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

func TestFleetOfAScheduler(t *testing.T) {
	t.Parallel()
	cfg := quick(t)
	cfg.App = "catalogue"
	s, err := bgtransform.New(newDB(t, 1), cfg)
	must(t, err)
	if registry, app := s.Fleet(); registry != nil || app != "catalogue" {
		t.Errorf("without Config.Fleet it is %v of %q, want nil of the app", registry, app)
	}
	elsewhere := new(fleettest.Memory)
	cfg.Fleet = elsewhere
	s, err = bgtransform.New(newDB(t, 1), cfg)
	must(t, err)
	if registry, _ := s.Fleet(); registry != elsewhere {
		t.Errorf("the registry is %v, want that of the Config", registry)
	}
}
