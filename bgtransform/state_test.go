package bgtransform

import (
	"slices"
	"strings"
	"testing"
)

// legal is the table of DESIGN §3 once more, so that no arrow comes or goes by
// accident.
func legal() map[State][]State {
	return map[State][]State{
		StatePending:   {StateRunning, StatePaused, StateCancelled},
		StateRunning:   {StateWaiting, StatePaused, StateFailed, StateCancelled, StateComplete, StateReverting},
		StateWaiting:   {StateRunning, StateReverting, StatePaused, StateCancelled},
		StatePaused:    {StateRunning, StateReverting, StateCancelled},
		StateFailed:    {StateRunning, StateReverting, StateCancelled, StateComplete, StateWaiting},
		StateCancelled: {StateRunning, StateReverting},
		StateComplete:  {StateRunning, StateReverting, StateFailed},
		StateReverting: {StateWaiting, StatePaused, StateFailed, StateCancelled, StateReverted, StateRunning},
		StateReverted:  {StateRunning, StateReverting},
	}
}

func allStates() []State {
	return []State{StatePending, StateRunning, StateWaiting, StatePaused, StateFailed, StateCancelled, StateComplete, StateReverting, StateReverted}
}

func TestEveryPairOfStates(t *testing.T) {
	t.Parallel()
	for _, from := range allStates() {
		for _, to := range allStates() {
			err := checkTransition(from, to)
			want := from == to || slices.Contains(legal()[from], to)
			if (err == nil) != want {
				t.Errorf("%s to %s: %v, want legal: %t", from, to, err, want)
			}
			if err == nil {
				continue
			}
			for _, part := range append(legal()[from], from, to) {
				if !strings.Contains(err.Error(), string(part)) {
					t.Errorf("%s to %s: %q does not name %s", from, to, err, part)
				}
			}
		}
	}
}

func TestEveryArrowHasAReason(t *testing.T) {
	t.Parallel()
	if len(transitions) != len(allStates()) {
		t.Errorf("the table has %d states, want %d", len(transitions), len(allStates()))
	}
	for from, arrows := range transitions {
		if len(arrows) == 0 {
			t.Errorf("no arrow leaves %s: a transform would be stuck there", from)
		}
		for to, reason := range arrows {
			if reason == "" || !slices.Contains(allStates(), to) || from == to {
				t.Errorf("%s to %q because of %q", from, to, reason)
			}
		}
	}
}

// Another version of the library may know states that this one does not.
func TestUnknownStates(t *testing.T) {
	t.Parallel()
	for _, known := range allStates() {
		if err := checkTransition("mending", known); err == nil || !strings.Contains(err.Error(), `"mending"`) {
			t.Errorf("from an unknown state to %s: %v, want an error that names it", known, err)
		}
		if err := checkTransition(known, "mending"); err == nil || !strings.Contains(err.Error(), "mending") {
			t.Errorf("from %s to an unknown state: %v, want an error that names it", known, err)
		}
	}
	if err := checkTransition("", StateRunning); err == nil {
		t.Error("from no state at all: nil, want an error")
	}
}

func TestSettledStatesWaitForAnOperator(t *testing.T) {
	t.Parallel()
	for _, s := range append(allStates(), "mending", "") {
		want := s == StateComplete || s == StateReverted || s == StateCancelled || s == StateFailed || s == StatePaused
		if got := s.Settled(); got != want {
			t.Errorf("%q.Settled() = %t, want %t", s, got, want)
		}
	}
}
