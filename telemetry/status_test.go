package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/telemetry"
)

var _ telemetry.StatusSource = (*bgtransform.Scheduler)(nil)

type fakeStatus struct {
	all []bgtransform.Status
	err error
}

func (s fakeStatus) Status(context.Context) ([]bgtransform.Status, error) { return s.all, s.err }

func TestObserveStatus(t *testing.T) {
	t.Parallel()
	finish := time.Date(2026, 12, 3, 3, 40, 0, 0, time.UTC)
	st := bgtransform.Status{
		Transform: transform, State: bgtransform.StateWaiting, Reason: bgtransform.Reason{Code: bgtransform.ReasonWindow, Text: "opens at 22:00"},
		Progress: .25, Quarantined: 3, Stuck: finish.Add(-time.Hour), Finish: bgtransform.Forecast{State: bgtransform.ForecastReady, At: finish},
		Pool: []bgtransform.PoolStage{{Instance: "a", Stage: fleet.Old}, {Instance: "b", Stage: fleet.Old}, {Instance: "c", Stage: fleet.Before}},
	}
	h, source := newHarness(), &fakeStatus{all: []bgtransform.Status{st}}
	unregister := h.ObserveStatus(source)
	check := func(when string, want map[string]map[string]float64) {
		t.Helper()
		for name, series := range want {
			if diff := cmp.Diff(series, h.series(t, "bgtransform."+name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", when, name, diff)
			}
		}
	}
	check("waiting", map[string]map[string]float64{
		"state": {key("state", "waiting"): 1}, "reason": {key("reason", "window"): 1},
		"progress": {key("", ""): .25}, "finish.time": {key("", ""): float64(finish.Unix())},
		"quarantine": {key("", ""): 3}, "verified": {key("", ""): 0}, "stuck": {key("", ""): 1},
		"pool": {staged("old"): 2, staged("before"): 1},
	})

	source.all[0] = bgtransform.Status{Transform: transform, State: bgtransform.StateComplete, Progress: 1, Verified: time.Now()}
	check("complete", map[string]map[string]float64{
		"state": {key("state", "waiting"): 0, key("state", "complete"): 1}, "reason": {key("reason", "window"): 0},
		"progress": {key("", ""): 1}, "finish.time": {}, "quarantine": {key("", ""): 0}, "verified": {key("", ""): 1}, "stuck": {key("", ""): 0},
		"pool": {staged("old"): 0, staged("before"): 0},
	})

	source.all[0].Progress = -1
	check("when nobody knows", map[string]map[string]float64{"progress": {}})
	unregister()
	unregister()
	check("after the end", map[string]map[string]float64{"state": {}, "reason": {}, "verified": {}})
}

func staged(stage string) string {
	return "bgtransform.stage=" + stage + ",bgtransform.transform=" + transform
}

// What a database that is down would say of a transform, such as that no row is in
// quarantine, must not be taken for true.
func TestObserveStatusWithoutDatabase(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.ObserveStatus(fakeStatus{err: errors.New("down"), all: []bgtransform.Status{{
		Transform: transform, State: bgtransform.StatePending, Here: bgtransform.Reason{Code: bgtransform.ReasonDatabase},
	}}})
	if diff := cmp.Diff(map[string]float64{key("reason", "database"): 1}, h.series(t, "bgtransform.reason")); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	for _, name := range []string{"state", "quarantine", "verified", "progress"} {
		if got := h.series(t, "bgtransform."+name); len(got) != 0 {
			t.Errorf("got %s %v, want nothing", name, got)
		}
	}
}

func TestObserveStatusIsBounded(t *testing.T) {
	t.Parallel()
	h, asked := newHarness(), make(chan bool, 1)
	h.ObserveStatus(statusFunc(func(ctx context.Context) ([]bgtransform.Status, error) {
		_, bounded := ctx.Deadline()
		asked <- bounded
		return nil, nil
	}))
	h.collect(t)
	if !<-asked {
		t.Error("a look at the status has no end")
	}
}

type statusFunc func(ctx context.Context) ([]bgtransform.Status, error)

func (f statusFunc) Status(ctx context.Context) ([]bgtransform.Status, error) { return f(ctx) }
