package bgtransform

import (
	"fmt"
	"slices"
	"strings"
)

// State is where a transform is in its life. What an operator wants is kept
// apart from it (see [Control]).
//
//	pending ──> running ──> complete     reverting ──> reverted
//	              │  ▲                     │  ▲
//	              ▼  │                     ▼  │
//	            waiting                  waiting       paused   failed   cancelled
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
	StateReverting State = "reverting" // an instance is writing the journal's before-images back
	StateReverted  State = "reverted"  // nothing in the journal is left to revert; until restarted
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
		StateReverting: "an operator asked for a revert",
	},
	StateReverting: {
		StateWaiting:   "interrupted: window, shutdown, backoff",
		StatePaused:    "an operator paused it",
		StateFailed:    "an error that only a human can mend",
		StateCancelled: "an operator gave the revert up",
		StateReverted:  "the journal's oldest entry was reached",
		StateRunning:   "an operator restarted the transform instead",
	},
	StateReverted: {
		StateRunning:   "an operator restarted it",
		StateReverting: "an operator asked to try again what the database has refused",
	},
	StateWaiting: {
		StateRunning:   "what it waited for has come",
		StateReverting: "what its revert waited for has come, or an operator asked for one",
		StatePaused:    "an operator paused it",
		StateCancelled: "an operator cancelled it",
	},
	StatePaused: {
		StateRunning:   "an operator resumed it",
		StateReverting: "an operator resumed its revert, or asked for one",
		StateCancelled: "an operator cancelled it",
	},
	StateFailed: {
		StateRunning:   "an operator asked for a retry or a restart",
		StateReverting: "an operator asked for a revert, or to retry one",
		StateCancelled: "an operator cancelled it",
		StateComplete:  "it failed because nobody could tell which column an instance wrote, and that was no old one",
		StateWaiting:   "the same, of a transform that had not come to its end",
	},
	StateCancelled: {
		StateRunning:   "an operator restarted it",
		StateReverting: "an operator asked for a revert",
	},
	StateComplete: {
		StateRunning:   "an operator restarted it, the app's new version defines it otherwise, or a verification found rows that are pending",
		StateReverting: "an operator asked for a revert",
		StateFailed:    "nobody can tell which column an instance wrote that was there since",
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
	case StateComplete, StateReverted, StateCancelled, StateFailed, StatePaused:
		return true
	default:
		return false
	}
}

// advancing reports whether an instance is said to be at work.
func (s State) advancing() bool { return s == StateRunning || s == StateReverting }
