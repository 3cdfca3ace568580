package telemetry_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
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

func TestLeaseSpan(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		event string
		err   error
		kind  any // error.type; nil: none
	}{
		"released":            {"released", nil, nil},
		"lost":                {"lost", lease.ErrLost, "lease_lost"},
		"lost for no reason":  {"lost", nil, "lease_lost"},
		"ended before it was": {"released", lease.ErrLost, "lease_lost"},
		"released, who knows": {"release_failed", errors.New("dial tcp 10.0.0.1:6379: refused"), "*errors.errorString"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness()
				h.LeaseChanged(t.Context(), bgtransform.LeaseInfo{Transform: transform, Event: "acquired"})
				<-time.After(time.Second) // of the bubble
				ctx, _ := h.begin(t.Context())
				<-time.After(time.Hour)
				for _, event := range []string{"renewed", tt.event, "released"} { // the last one is too late
					h.LeaseChanged(ctx, bgtransform.LeaseInfo{Transform: transform, Event: event, Err: tt.err})
				}

				span := h.only(t, "bgtransform.lease")
				if took := span.EndTime().Sub(span.StartTime()); took != time.Hour+time.Second || span.Parent().IsValid() {
					t.Errorf("got %s, a root: %t; want a root of an hour and a second", took, !span.Parent().IsValid())
				}
				want := map[string]any{
					"bgtransform.transform": transform, "bgtransform.run": int64(3), "bgtransform.attempt": int64(7), "bgtransform.event": tt.event,
				}
				status := sdktrace.Status{}
				if tt.kind != nil {
					want["error.type"], status = tt.kind, sdktrace.Status{Code: codes.Error, Description: "lease " + tt.event}
				}
				if diff := cmp.Diff(want, attributes(span)); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(status, span.Status()); diff != "" {
					t.Errorf("status (-want +got):\n%s", diff)
				}
				ids := []string{id(h.only(t, "bgtransform.run")), id(h.only(t, "bgtransform.attempt"))}
				if diff := cmp.Diff(ids, linked(span)); diff != "" {
					t.Errorf("links (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// An instance that polls what is over takes the lease, and finds nothing to do.
func TestLeaseWithoutAnAttemptHasNoSpan(t *testing.T) {
	t.Parallel()
	h := newHarness()
	for _, event := range []string{"acquired", "released"} {
		h.LeaseChanged(t.Context(), bgtransform.LeaseInfo{Transform: transform, Event: event})
	}
	if n := len(h.spans.Started()); n != 0 {
		t.Errorf("got %d spans, want none", n)
	}
}
