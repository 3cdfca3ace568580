package telemetry_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestLeaseHeld(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events []string
		want   float64
	}{
		"acquired and kept":              {[]string{"acquired", "renewed", "renew_failed"}, 1},
		"released":                       {[]string{"acquired", "released"}, 0},
		"lost and then released":         {[]string{"acquired", "lost", "release_failed", "released"}, 0},
		"lost and acquired anew":         {[]string{"acquired", "lost", "acquired"}, 1},
		"acquired twice":                 {[]string{"acquired", "acquired"}, 1},
		"lost by a term that none began": {[]string{"acquired", "lost", "lost", "acquired"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness()
			for _, e := range tt.events {
				h.LeaseChanged(t.Context(), bgtransform.LeaseInfo{Transform: transform, Event: e})
			}
			if diff := cmp.Diff(map[string]float64{key("", ""): tt.want}, h.series(t, "bgtransform.lease.held")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLeaseEvents(t *testing.T) {
	t.Parallel()
	h := newHarness()
	for _, info := range []bgtransform.LeaseInfo{
		{Event: "acquired"},
		{Event: "renewed"},
		{Event: "renewed"},
		{Event: "renew_failed", Err: errors.New("dial tcp 10.0.0.1:6379: refused")},
	} {
		info.Transform = transform
		h.LeaseChanged(t.Context(), info)
	}
	want := map[string]float64{
		key("event", "acquired"): 1,
		key("event", "renewed"):  2,
		key("event", "renew_failed") + ",error.type=*errors.errorString": 1,
	}
	if diff := cmp.Diff(want, h.series(t, "bgtransform.lease.events")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(h.spans.Started()); n != 0 {
		t.Errorf("got %d spans of lease events, want none", n)
	}
}
