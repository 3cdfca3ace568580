package admin

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

func inJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Signs of life are no news: an ETag holds while nothing happens. What happens is.
func TestSteady(t *testing.T) {
	t.Parallel()
	doc := func(at time.Time, state bgtransform.State) detail {
		return detail{
			Made: at, Reads: &bgtransform.Reads{Now: at},
			summary: summary{Status: bgtransform.Status{State: state, Updated: at, Pool: []bgtransform.PoolStage{{Instance: "a", LastSeen: at}}}},
		}
	}
	all := func(at time.Time, version string) overview {
		return overview{Made: at, Transforms: []summary{doc(at, "").summary}, Pool: []bgtransform.PoolMember{{Instance: "a", Version: version, FirstSeen: at, LastSeen: at}}}
	}
	old, now := doc(at(0), bgtransform.StatePaused), doc(at(9), bgtransform.StatePaused)
	if a, b := inJSON(t, old.steady()), inJSON(t, now.steady()); a != b {
		t.Errorf("one transform:\n%s\n%s", a, b)
	}
	if !old.Reads.Now.Equal(at(0)) || !old.Status.Pool[0].LastSeen.Equal(at(0)) {
		t.Error("the document itself has changed")
	}
	if a, b := inJSON(t, old.steady()), inJSON(t, doc(at(0), bgtransform.StateRunning).steady()); a == b {
		t.Error("another state is no news")
	}
	if a, b := inJSON(t, all(at(0), "1").steady()), inJSON(t, all(at(9), "1").steady()); a != b {
		t.Errorf("all transforms:\n%s\n%s", a, b)
	}
	if a, b := inJSON(t, all(at(0), "1").steady()), inJSON(t, all(at(0), "2").steady()); a == b {
		t.Error("another version of an instance is no news")
	}
}

// What makes no sense now is not offered.
func TestAllowed(t *testing.T) {
	t.Parallel()
	st := bgtransform.Status{State: bgtransform.StateWaiting, Window: "never"}
	if got := allowed(st); !slices.Contains(got, "run-now") || slices.Contains(got, "untune") || slices.Contains(got, "resume") {
		t.Errorf("outside its window: %q", got)
	}
	st.Tuned = []bgtransform.Tuned{{Setting: bgtransform.SettingWindow}}
	st.Window = "always"
	if got := allowed(st); slices.Contains(got, "run-now") || !slices.Contains(got, "untune") {
		t.Errorf("with a window that is always open, by somebody: %q", got)
	}
}

// A gate that does not answer in time is one that cannot tell.
func TestSlowGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := source{gate: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }}
		began := time.Now()
		if a := s.askGate(t.Context(), "x"); a.Open || a.Error == "" || time.Since(began) != gateTime {
			t.Errorf("after %s: %+v", time.Since(began), a)
		}
	})
}
