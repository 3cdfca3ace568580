package bgtransform

import (
	"fmt"
	"slices"
	"strings"
)

// State is where a transform is in its life. What an operator wants is kept
// apart from it (see [Control]).
//
//	pending ──> running ──> complete
//	              │  ▲
//	              ▼  │
//	            waiting      paused      failed      cancelled
type State string

// The states of a transform.
const (
	StatePending   State = "pending"   // no attempt has begun
	StateRunning   State = "running"   // an instance is walking the rows
	StateWaiting   State = "waiting"   // would run, but for the reason given
	StatePaused    State = "paused"    // by an operator, until resumed
	StateFailed    State = "failed"    // a human is needed: retry or restart
	StateCancelled State = "cancelled" // by an operator, until restarted
	StateComplete  State = "complete"  // a whole pass found nothing pending
)

// transitions is the one place that says which state may follow which, and
// the event that leads there.
var transitions = map[State]map[State]string{
	StatePending: {
		StateRunning:   "an attempt began",
		StatePaused:    "paused before it began",
		StateCancelled: "cancelled before it began",
	},
	StateRunning: {
		StateWaiting:   "interrupted: window, shutdown, backoff, quarantine",
		StatePaused:    "an operator paused it",
		StateFailed:    "an error that only a human can mend",
		StateCancelled: "an operator cancelled it",
		StateComplete:  "a whole pass found nothing pending",
	},
	StateWaiting: {
		StateRunning:   "what it waited for has come",
		StatePaused:    "an operator paused it",
		StateCancelled: "an operator cancelled it",
	},
	StatePaused: {
		StateRunning:   "an operator resumed it",
		StateCancelled: "an operator cancelled it",
	},
	StateFailed: {
		StateRunning:   "an operator asked for a retry or a restart",
		StateCancelled: "an operator cancelled it",
	},
	StateCancelled: {
		StateRunning: "an operator restarted it",
	},
	StateComplete: {
		StateRunning: "an operator restarted it",
	},
}

// checkTransition returns an error when to may not follow from. Staying in a
// state, with another reason, is always legal.
func checkTransition(from, to State) error {
	if from == to {
		return nil
	}
	next, known := transitions[from]
	if !known {
		return fmt.Errorf("bgtransform: state %q is not one of ours; another version of this library may have written it", from)
	}
	if _, ok := next[to]; ok {
		return nil
	}
	legal := make([]string, 0, len(next))
	for s := range next {
		legal = append(legal, string(s))
	}
	slices.Sort(legal)
	return fmt.Errorf("bgtransform: state %s may not follow %s; legal are %s", to, from, strings.Join(legal, ", "))
}

// Settled reports whether only an operator can move the transform on.
func (s State) Settled() bool {
	switch s {
	case StateComplete, StateCancelled, StateFailed, StatePaused:
		return true
	default:
		return false
	}
}
