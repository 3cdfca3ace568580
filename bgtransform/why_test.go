package bgtransform_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// What keeps an instance from a transform says more than that nobody does it, but for
// what holds wherever one asks.
func TestWhichReasonIsShown(t *testing.T) {
	t.Parallel()
	here := bgtransform.Reason{Code: bgtransform.ReasonDisabled, Text: "disabled here"}
	stored := func(code bgtransform.ReasonCode) bgtransform.Reason {
		return bgtransform.Reason{Code: code, Text: "stored"}
	}
	for name, tt := range map[string]struct {
		status bgtransform.Status
		want   string
	}{
		"nobody does it":    {bgtransform.Status{State: bgtransform.StateWaiting, Reason: stored(bgtransform.ReasonUnattended), Here: here}, "disabled here"},
		"the pool":          {bgtransform.Status{State: bgtransform.StateWaiting, Reason: stored(bgtransform.ReasonFleet), Here: here}, "disabled here"},
		"contracted":        {bgtransform.Status{State: bgtransform.StateWaiting, Reason: stored(bgtransform.ReasonFleet), Here: here, Contracted: time.Now()}, "stored"},
		"asked for":         {bgtransform.Status{State: bgtransform.StateWaiting, Reason: stored(bgtransform.ReasonAsked), Here: here}, "stored; disabled here"},
		"quarantine":        {bgtransform.Status{State: bgtransform.StateWaiting, Reason: stored(bgtransform.ReasonQuarantine), Here: here}, "stored"},
		"failed":            {bgtransform.Status{State: bgtransform.StateFailed, Reason: stored(bgtransform.ReasonFleet), Here: here}, "stored"},
		"at work":           {bgtransform.Status{State: bgtransform.StateRunning, Reason: stored(bgtransform.ReasonThrottle), Here: here}, "stored"},
		"complete":          {bgtransform.Status{State: bgtransform.StateComplete, Reason: stored(bgtransform.ReasonThrottle), Here: here}, ""},
		"nothing from here": {bgtransform.Status{State: bgtransform.StateWaiting, Reason: stored(bgtransform.ReasonUnattended)}, "stored"},
	} {
		if got := tt.status.Why().Text; got != tt.want {
			t.Errorf("%s: Why() = %q, want %q", name, got, tt.want)
		}
	}
}
