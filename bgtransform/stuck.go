package bgtransform

import (
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// leastStuckAfter is the default of Config.StuckAfter. A failover, a deploy or a server
// that is started anew takes less.
const leastStuckAfter = 5 * time.Minute

// stuckSince returns since when a transform has not come forward although nothing holds
// it back; zero if that is not for long enough to mean anything.
func stuckSince(st Status, rec store.Record, after time.Duration) time.Time {
	if st.State.Settled() && !st.Verify.underWay() || rec.At.IsZero() {
		return time.Time{}
	}
	since := max(rec.Range.AdvancedMS, rec.Transform.CreatedMS, rec.Intent.SinceMS)
	if why := st.Why(); holdsBack(why.Code) && !st.State.advancing() {
		if why.Until.IsZero() {
			return time.Time{}
		}
		since = max(since, why.Until.UnixMilli()) // nobody went on when that was over
	}
	if own := time.Duration(rec.Range.StuckMS) * time.Millisecond; own > 0 { // of who has tried
		after = own
	}
	if rec.Ago(since) <= after {
		return time.Time{}
	}
	return at(since)
}

// holdsBack reports a reason for which a transform that waits is not to come forward:
// somebody has decided it, or it waits for something that may take its time. A rest of
// one that runs is none of them: it moves on when the time is counted from.
func holdsBack(code ReasonCode) bool {
	switch code {
	case ReasonFlags, ReasonSettings, ReasonDisabled, ReasonSchema, ReasonWindow, ReasonFleet, ReasonDependency, ReasonSuperseded, ReasonSlot,
		ReasonHealth, ReasonQuarantine, ReasonPaused, ReasonCancelled, ReasonDryRun, ReasonLeft:
		return true
	default:
		return false
	}
}

// overdue reports whether the attempt takes up what should have come forward before it:
// its holder died, or has failed. After any other wait the time counts from now on.
func (a *attempt) overdue(t store.Transform) bool {
	if a.rec.Range.AdvancedMS == 0 {
		return false
	}
	switch ReasonCode(t.ReasonCode) {
	case ReasonNone:
		return State(t.State).advancing()
	case ReasonBackoff, ReasonDatabase, ReasonLeaseLost:
		return State(t.State) == StateWaiting
	default:
		return false
	}
}
