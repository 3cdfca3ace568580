package bgtransform

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Status is a snapshot of one transform: what is, why, and how far. It holds
// no row values.
type Status struct {
	Transform string `json:"transform"`
	State     State  `json:"state"`
	Mode      string `json:"mode,omitempty"`  // what its run does: empty to transform, "revert" to write the journal back
	Reason    Reason `json:"reason,omitzero"` // why it is in this state, or what limits it
	Here      Reason `json:"here,omitzero"`   // why this instance is not the one that advances it
	Holder    string `json:"holder,omitempty"`
	Mine      bool   `json:"mine"` // this instance is the holder

	Run     int64 `json:"run"`
	Pass    int64 `json:"pass"`
	Attempt int64 `json:"attempt"`
	Batches int64 `json:"batches"` // of the run

	Rows        int64   `json:"rows"`            // changed, in the run
	Walked      int64   `json:"walked"`          // keys walked in this pass
	Moved       int64   `json:"moved"`           // left to a later pass because the app changed them meanwhile
	Quarantined int64   `json:"quarantined"`     // block completion
	Accepted    int64   `json:"accepted"`        // in quarantine, accepted by an operator
	Remaining   int64   `json:"remaining"`       // estimate of keys still to walk in this pass; -1: not known
	Progress    float64 `json:"progress"`        // share of the run, from 0 to 1, which only a run that has come to its end has; -1: not known
	RowsPerSec  float64 `json:"rows_per_second"` // walked, pending or not: a pass that looks for what is left goes faster than rows may be changed

	Started   time.Time `json:"started,omitzero"` // of the run
	Updated   time.Time `json:"updated,omitzero"` // the holder's last sign
	Completed time.Time `json:"completed,omitzero"`
	Finish    Forecast  `json:"finish,omitzero"` // when it will be complete; zero once it is

	// Stuck is since when it has not come forward although nothing holds it back; zero: it
	// does, or something holds it back, or that is not for as long as Config.StuckAfter.
	// Why tells what is known of the cause.
	Stuck time.Time `json:"stuck,omitzero"`

	// Contracted is when a version of the app first ran that has no old columns any more, or
	// an operator has accepted that one did: nothing is transformed or written back since.
	Contracted time.Time `json:"contracted,omitzero"`

	Pool []PoolStage `json:"pool,omitempty"` // the live instances, by their stages of the move, for a transform that waits for them

	Window string  `json:"window,omitempty"` // when batches may run, as a window's text; empty: not known before its first attempt
	Tuned  []Tuned `json:"tuned,omitempty"`  // settings that operators have changed

	Verify   *Verification `json:"verify,omitempty"`  // the newest; nil: none was ever asked for
	Verified time.Time     `json:"verified,omitzero"` // when a verification since it became complete ended that left nothing wrong

	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// Why returns the one reason to show: why the transform does not advance, or
// what limits it while it does. It is zero when nothing does.
func (s Status) Why() Reason {
	switch {
	case s.State == StateComplete && !s.Verify.underWay():
		return Reason{}
	case s.State == StateComplete && s.Holder == "" && !s.Mine && !s.Here.IsZero():
		return s.Here
	case s.State == StateComplete:
		return s.Reason
	case s.State.advancing() && s.Reason.Code != ReasonUnattended:
		return s.Reason
	case s.Here.IsZero(), s.State.Settled(), s.Reason.Code == ReasonQuarantine:
		return s.Reason
	case !s.Contracted.IsZero() && s.Reason.Code == ReasonFleet: // no instance ever runs it again
		return s.Reason
	case s.Reason.Code == ReasonAsked: // both what was asked for and why nobody follows
		return Reason{Code: s.Here.Code, Text: s.Reason.Text + "; " + s.Here.Text, Until: s.Here.Until}
	default: // what keeps this instance from it says more than that nobody does it
		return s.Here
	}
}

// Disputed reports whether a human has to say which columns an instance wrote that nobody
// can place: see [Control.Accept] and [Control.Restart].
func (s Status) Disputed() bool { return s.State == StateFailed && s.Reason.Code == ReasonFleet }

// Outdated reports whether it was complete, and waits for a new run that was asked for and
// can never begin, because a version without the old columns came first: see [Control.Accept].
func (s Status) Outdated() bool {
	return s.State == StateWaiting && !s.Contracted.IsZero() && !s.Completed.IsZero()
}

// Status returns a snapshot of every registered transform, in the order of
// registration. When the database cannot be read, it returns what this
// instance knows together with the error.
func (s *Scheduler) Status(ctx context.Context) ([]Status, error) {
	s.mu.Lock()
	entries := s.entries
	s.mu.Unlock()
	// The views come first: what an attempt has written by then, the database has.
	views := make([]view, len(entries))
	for i, e := range entries {
		views[i] = e.look()
	}
	byName := map[string]store.Record{}
	var err error
	if s.ready.Load() && len(entries) > 0 {
		var recs []store.Record
		if recs, err = s.load(ctx, s.names()); err != nil {
			err = fmt.Errorf("bgtransform: read status: %w", err)
		}
		for _, rec := range recs {
			byName[rec.Transform.Name] = rec
		}
	}
	verified, verr := s.verifications(ctx, len(byName) > 0)
	signs, serr := s.signsOfOthers(ctx, byName)
	err = cmp.Or(err, verr, serr)
	out := make([]Status, len(entries))
	for i, e := range entries {
		st, rec := s.status(e.name, views[i], byName)
		st = withHoldersSign(withVerification(st, byName[e.name], verified), signs)
		if err != nil && st.Here.IsZero() {
			st.Here = s.databaseReason(err, 0)
		}
		if w, err := e.nextWindow(rec); err == nil { // else the reason tells what cannot be read
			st.Window = w.String()
			st = sinceOpened(st, w, time.Now())
		}
		st.Stuck = stuckSince(st, rec, s.cfg.StuckAfter)
		st.Finish = foretell(st, rec, e.nextWindow, time.Now())
		if e.pooled {
			st.Pool = poolOf(s.pool.look().now(), e.name, true, time.Now())
		}
		out[i] = st
	}
	return out, err
}

func (s *Scheduler) verifications(ctx context.Context, there bool) (map[string]store.Verification, error) {
	if !there {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	all, err := s.store.Verifications(ctx, s.names()...)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: read status: %w", err)
	}
	return all, nil
}

// status returns a status together with the record that it was made of.
func (s *Scheduler) status(name string, v view, byName map[string]store.Record) (Status, store.Record) {
	rec, ok := byName[name]
	switch {
	case v.holding && v.record != nil:
		stored := rec
		rec = *v.record // fresher than the database: the last measure is not written yet
		rec.NowMS, rec.At = time.Now().UnixMilli(), time.Now()
		rec.Range.HeartbeatMS = rec.NowMS
		if ok {
			rec.NowMS, rec.At, rec.Range.HeartbeatMS = stored.NowMS, stored.At, stored.Range.HeartbeatMS
			rec.Held, rec.Accepted, rec.Intent = stored.Held, stored.Accepted, stored.Intent
		}
	case !ok && v.record != nil:
		rec = *v.record
	case !ok:
		rec.Range.Remaining = -1
		rec.Transform.CreatedMS, rec.NowMS, rec.At = s.born.UnixMilli(), time.Now().UnixMilli(), time.Now()
		return Status{Transform: name, State: StatePending, Here: v.here, Remaining: -1, Progress: -1}, rec
	}
	st := statusOf(rec, v.holding)
	if st.Mine = v.holding; st.Mine {
		return st, rec
	}
	st.Here = v.here
	if st.Holder == s.cfg.Instance && !v.here.IsZero() && atWork(rec) {
		st = abandoned(st, v.here) // this instance has stopped, and could not write it down yet
	}
	return st, rec
}

// Status returns a snapshot of the named transforms, or of all in the database
// when no name is given, as the database knows them.
func (c *Control) Status(ctx context.Context, names ...string) ([]Status, error) {
	recs, err := c.store.Load(ctx, names...)
	if err != nil {
		if len(names) > 0 {
			err = c.unknown(ctx, names[0], err)
		}
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	for _, name := range names {
		if !known(recs, name) {
			return nil, c.unknown(ctx, name, fmt.Errorf("%w: %q", ErrUnknownTransform, name))
		}
	}
	signs, err := c.store.Signs(ctx)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	verified, err := c.store.Verifications(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	pool := c.pool(ctx, recs)
	out := make([]Status, len(recs))
	for i, rec := range recs {
		out[i] = withSign(withVerification(statusOf(rec, false), rec, verified), signs)
		out[i].Pool = poolOf(pool, rec.Transform.Name, false, time.Now())
		out[i].Window, _ = holdersText(rec) // the reason tells what cannot be read
		if w, err := holdersWindow(rec); err == nil {
			out[i] = sinceOpened(out[i], w, time.Now())
		}
		out[i].Stuck = stuckSince(out[i], rec, leastStuckAfter)
		out[i].Finish = foretell(out[i], rec, holdersWindow, time.Now())
	}
	return out, nil
}

func known(recs []store.Record, name string) bool {
	for _, rec := range recs {
		if rec.Transform.Name == name {
			return true
		}
	}
	return false
}

// statusOf makes a status of a record. A holder that has given no sign for
// longer than it said it would is taken to be gone, unless it is mine: this very
// instance, which knows better.
func statusOf(rec store.Record, mine bool) Status {
	t, r := rec.Transform, rec.Range
	st := Status{
		Transform: t.Name, State: State(t.State), Mode: r.Mode, Reason: reasonOf(rec),
		Run: r.Run, Pass: r.Pass, Attempt: r.Attempt, Batches: r.Batches,
		Rows: r.Changed, Walked: r.KeysInPass, Moved: r.Moved, Quarantined: rec.Held, Accepted: rec.Accepted,
		Remaining: r.Remaining, Progress: progress(t, r), RowsPerSec: r.RowsPerSec,
		Started: at(t.StartedMS), Updated: at(max(r.HeartbeatMS, t.UpdatedMS)), Completed: at(t.CompletedMS),
		LastError: t.LastError, LastErrorAt: at(t.LastErrorMS),
		Contracted: at(t.ContractedMS),
		Tuned:      tunedOf(rec.Intent),
	}
	if r.HeartbeatMS > 0 {
		st.Holder = r.Holder
	}
	if quiet := time.Duration(rec.NowMS-r.HeartbeatMS) * time.Millisecond; !mine && r.HeartbeatMS > 0 && atWork(rec) && quiet.Milliseconds() > r.QuietMS {
		why := Reason{Code: ReasonUnattended, Text: fmt.Sprintf("%s has given no sign for %s, the last was at %s; the next attempt begins when its lease has ended",
			r.Holder, quiet.Round(time.Second), at(r.HeartbeatMS).Format(time.TimeOnly))}
		if overtaken(rec) {
			why = st.Reason // there is no next attempt
		}
		st = abandoned(st, why)
	}
	if outdated(rec) {
		st.State = StateWaiting // for what an operator wants and nobody can do any more
	}
	if st.Reason.Code == ReasonAsked && (st.State != StateComplete || anewAsked(rec)) {
		st.State = StateWaiting // a verification that was asked for leaves complete as it is
	}
	if anewAsked(rec) && !overtaken(rec) {
		st.Progress, st.Remaining = 0, -1 // those of the run that is over say nothing of the one to come
	}
	if st.State == StateComplete || st.State == StateReverted {
		st.Remaining, st.RowsPerSec = 0, 0
	}
	return st
}

// reasonOf returns the stored reason, or, while it runs, what limits it, or
// what an operator has asked for that no instance has followed yet.
func reasonOf(rec store.Record) Reason {
	t, r, in := rec.Transform, rec.Range, rec.Intent
	wish, ahead := wishOf(State(t.State), in)
	switch {
	case overtaken(rec):
		return Reason{Code: ReasonFleet, Text: contractedText(rec)}
	case ahead:
		return operatorReason(ReasonCode(wish), "about to be "+string(wish), in)
	case disputed(rec) && t.ContractedMS > 0: // whatever was asked for before
		return inDispute(rec)
	case in.Desired == store.Run && (State(t.State) == StatePaused || anewAsked(rec)):
		what := "resumed, waits for an instance to go on, asked for"
		switch {
		case anewAsked(rec) && in.Mode == store.ModeRevert:
			what = "to be reverted, waits for an instance to begin it, asked for"
		case anewAsked(rec):
			what = "to be restarted, waits for an instance to begin at the first row, asked for"
		}
		return operatorReason(ReasonAsked, what, in)
	case State(t.State) == StateComplete && verifyWanted(rec) && in.Verifies > r.Verifies:
		what := "to be verified, waits for an instance to begin it, asked for"
		if !in.Verify {
			what = "its verification is about to stop, asked for"
		}
		return operatorReason(ReasonAsked, what, in)
	case in.Retries > r.Retries:
		return operatorReason(ReasonAsked, "waits for an instance to retry, asked for", in)
	case disputed(rec):
		return inDispute(rec)
	case t.ReasonCode != "":
		return Reason{ReasonCode(t.ReasonCode), t.Reason, at(t.ReasonUntilMS)}
	case atWork(rec) && r.LimitedCode == string(ReasonBackoff):
		return Reason{Code: ReasonBackoff, Text: r.LimitedBy}
	case atWork(rec) && r.LimitedCode == string(ReasonWriters):
		return Reason{Code: ReasonWriters, Text: r.LimitedBy}
	case atWork(rec) && r.LimitedCode == throttle.Health.String():
		return Reason{Code: ReasonHealth, Text: r.LimitedBy}
	case atWork(rec) && r.LimitedBy != "":
		return Reason{Code: ReasonThrottle, Text: r.LimitedBy}
	default:
		return Reason{}
	}
}

// anewAsked reports whether an operator has asked for another run that no instance has
// begun yet.
func anewAsked(rec store.Record) bool {
	return rec.Intent.Desired == store.Run && rec.Intent.Restarts > rec.Range.Restarts
}

// atWork reports whether an instance is said to be at work.
func atWork(rec store.Record) bool {
	return State(rec.Transform.State).advancing() || rec.Range.Mode == store.ModeVerify
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
