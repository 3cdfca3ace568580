package bgtransform

import "slices"

// allowedIn returns the states for which an action of operators is, by its name in
// the log of actions; none for a name that is no action's.
func allowedIn(action string) []State {
	switch action {
	case "pause":
		return []State{StatePending, StateRunning, StateReverting, StateWaiting}
	case "resume":
		return []State{StatePaused}
	case "cancel":
		return []State{StatePending, StateRunning, StateReverting, StateWaiting, StatePaused, StateFailed}
	case "retry":
		return []State{StateRunning, StateReverting, StateWaiting, StateFailed, StateReverted}
	case "accept":
		return []State{StateRunning, StateWaiting, StatePaused, StateFailed}
	case "restart":
		return []State{StateRunning, StateReverting, StateWaiting, StatePaused, StateFailed, StateCancelled, StateComplete, StateReverted}
	case "revert":
		return []State{StateRunning, StateWaiting, StatePaused, StateFailed, StateCancelled, StateComplete}
	case "drop-journal":
		return []State{StatePaused, StateFailed, StateCancelled, StateComplete, StateReverted}
	case "verify", "stop verify":
		return []State{StateComplete}
	default:
		return nil
	}
}

// needsOld reports an action that makes something of what the old columns hold, or writes
// them: none for after a version of the app that has no such columns.
func needsOld(action string) bool {
	return action == "restart" || action == "retry" || action == "revert"
}

// Allows reports whether an action of operators makes sense now, so that a page can
// offer it: "pause", "resume", "cancel", "retry", "accept", "restart", "revert",
// "drop-journal", "verify" or "stop verify". It goes by this snapshot: the answer that
// counts is that of [Control], which knows the database's, such as whether there is a
// journal to revert.
func (s Status) Allows(action string) bool {
	state := s.State
	switch s.Reason.Code { // a wish that no instance has followed yet counts, as for Control
	case ReasonPaused:
		state = StatePaused
	case ReasonCancelled:
		state = StateCancelled
	}
	switch action {
	case "accept":
		if s.Disputed() || s.Outdated() {
			return true
		}
		if s.Quarantined == 0 {
			return false
		}
	case "retry":
		if s.Disputed() {
			return false
		}
	case "stop verify":
		if !s.Verify.underWay() {
			return false
		}
	}
	if !s.Contracted.IsZero() && needsOld(action) {
		return false
	}
	return slices.Contains(allowedIn(action), state)
}
