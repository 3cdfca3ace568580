package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// pause is what a round ends with: why nothing more can be done now, and when
// to look again (0: when woken).
type pause struct {
	reason Reason
	wait   time.Duration
}

// longest bounds every wait for a moment that was computed, because clocks are
// set and time zones change.
const longest = time.Minute

// round asks, in order, everything that must hold before an attempt may begin,
// and then makes one.
func (s *Scheduler) round(ctx, work context.Context, e *entry, retry *backoff.Backoff) pause {
	if !s.ready.Load() {
		return pause{reason: e.look().here} // prepare explains, and wakes us
	}
	if e.settings.disabled != "" {
		return pause{reason: Reason{Code: ReasonDisabled, Text: e.settings.disabled}}
	}
	if e.look().here.Code == ReasonHeld && !lease.IsLocal(s.cfg.Locker) {
		// On standby, the lease alone is asked: the rest follows once it is ours.
		if p, shut := s.windowShut(e, time.Now()); shut {
			return p
		}
		return s.slotted(ctx, work, e, retry)
	}
	rec, err := s.record(ctx, e)
	if err != nil {
		wait := retry.Next()
		return pause{s.databaseReason(err, wait), wait}
	}
	if p, unreadable := e.unreadable(); unreadable {
		return p
	}
	if reason, settled := s.wanted(e, rec); settled {
		return pause{reason: reason}
	}
	if rec.Intent.Desired == store.Run && !stopsVerify(rec) && !s.reopens(e, rec) { // what else an operator wants is carried out at any time
		if p, shut := s.windowShut(e, time.Now()); shut {
			return p
		}
		if p, waits := s.dependencies(ctx, e, rec); waits {
			return p
		}
		if p, holds := s.poolHolds(ctx, e, rec); holds {
			return p
		}
	}
	if p, waits := finishedElsewhere(e, rec); waits {
		return p
	}
	if p, waits := s.heldElsewhere(rec); waits {
		return p
	}
	return s.slotted(ctx, work, e, retry)
}

// slotted makes an attempt if this instance may run one more.
func (s *Scheduler) slotted(ctx, work context.Context, e *entry, retry *backoff.Backoff) pause {
	if !e.slot.take() {
		return pause{Reason{Code: ReasonSlot, Text: fmt.Sprintf("this instance runs %d at a time, and does", s.cfg.Concurrency)}, backoff.Jitter(slotPoll)}
	}
	defer e.slot.give()
	defer e.endWatch() // the lease is handed over by then: a signal that hangs holds up nobody else
	return s.lease(ctx, work, e, retry)
}

// record reads the transform's record, remembers it for the status, and heeds
// the settings in it.
func (s *Scheduler) record(ctx context.Context, e *entry) (store.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	rec, err := s.store.Get(ctx, e.name)
	if err != nil {
		return store.Record{}, err
	}
	if e.look().revision != rec.Intent.Revision {
		e.cramped = cramped{} // an operator who asks for something wants a try
		if e.phases != nil {
			s.pool.wake() // or a phase
		}
	}
	if rec.Pooled > 0 {
		s.pool.need()
	}
	e.update(func(v *view) { v.record, v.revision = &rec, rec.Intent.Revision })
	s.tune(ctx, e, rec.Intent)
	return rec, nil
}

// wanted reports whether only an operator can move the transform on.
func (s *Scheduler) wanted(e *entry, rec store.Record) (Reason, bool) {
	state, in := State(rec.Transform.State), rec.Intent
	asked := in.Restarts > rec.Range.Restarts || in.Retries > rec.Range.Retries
	_, ahead := wishOf(state, in)
	switch {
	case ahead, asked && in.Desired == store.Run:
		return Reason{}, false
	case verifyWanted(rec) && !e.settings.dryRun && !e.superseded(rec):
		return Reason{}, false
	case s.reopens(e, rec):
		return Reason{}, false
	case state == StatePaused:
		return reasonOf(rec), in.Desired == store.Paused
	case state == StateComplete && e.redefines(rec):
		return Reason{}, false
	case state == StateComplete, state == StateReverted, state == StateFailed, state == StateCancelled:
		return reasonOf(rec), true
	case e.superseded(rec):
		return supersededReason(), true
	case state == StateWaiting && rec.Range.AtEnd && !e.redefines(rec):
		return reasonOf(rec), rec.Held > 0
	default:
		return Reason{}, false
	}
}

func (s *Scheduler) windowShut(e *entry, now time.Time) (pause, bool) {
	if p, skips := e.cramped.holds(now); skips {
		return p, true
	}
	w := e.pace().window
	if w.Contains(now) {
		return pause{}, false
	}
	return windowPause(w.Next(now))
}

func windowPause(opens time.Time, ok bool) (pause, bool) {
	if !ok {
		return pause{Reason{Code: ReasonWindow, Text: "outside its window, which never opens"}, longest}, true
	}
	left := time.Until(opens)
	text := "outside its window, which opens at " + opens.Format(openingForm(opens, left))
	return pause{Reason{ReasonWindow, text, opens}, min(max(left, time.Millisecond), longest)}, true
}

// openingForm is how an opening that is left away is said: with its date unless that
// is one of the coming days, and with seconds if it has any.
func openingForm(opens time.Time, left time.Duration) string {
	day, clock := "Mon", "15:04"
	if left > 6*24*time.Hour {
		day = "Mon 2 Jan 2006"
	}
	if opens.Second() != 0 {
		clock = "15:04:05"
	}
	return day + " " + clock + " MST"
}

func (s *Scheduler) dependencies(ctx context.Context, e *entry, rec store.Record) (pause, bool) {
	if len(e.after) == 0 || modeWanted(rec) == store.ModeRevert { // what is undone needs nothing new
		return pause{}, false
	}
	recs, err := s.load(ctx, e.after)
	if err != nil {
		return pause{s.databaseReason(err, attentive), attentive}, true
	}
	states := map[string]State{}
	for _, rec := range recs {
		states[rec.Transform.Name] = State(rec.Transform.State)
	}
	for _, name := range e.after {
		state, known := states[name]
		text := fmt.Sprintf("waits until %q is complete; it is %s", name, state)
		if !known {
			text = fmt.Sprintf("waits until %q is complete, which no instance has registered", name)
		}
		if state != StateComplete {
			return pause{Reason{Code: ReasonDependency, Text: text}, backoff.Jitter(5 * time.Second)}, true
		}
	}
	return pause{}, false
}

// heldElsewhere keeps an instance whose lease is local from taking over from
// another that shows signs of life: its lease cannot know, but the database does.
func (s *Scheduler) heldElsewhere(rec store.Record) (pause, bool) {
	r := rec.Range
	if !lease.IsLocal(s.cfg.Locker) || r.Holder == s.cfg.Instance || r.HeartbeatMS == 0 {
		return pause{}, false
	}
	left := s.cfg.LeaseTTL - time.Duration(rec.NowMS-r.HeartbeatMS)*time.Millisecond
	if left <= 0 || left > (lease.Claim{TTL: s.cfg.LeaseTTL}).Credible() { // the database's clock was set back
		return pause{}, false
	}
	return pause{Reason{
		Code:  ReasonHeld,
		Text:  fmt.Sprintf("held by %s, which gave a sign in the database %s ago (the lease itself is local to each process)", r.Holder, (s.cfg.LeaseTTL - left).Round(time.Millisecond)),
		Until: time.Now().Add(left),
	}, min(left+time.Millisecond, time.Second)}, true
}

// lease makes an attempt under the lease, and says how it ended.
func (s *Scheduler) lease(ctx, work context.Context, e *entry, retry *backoff.Backoff) pause {
	keeper := &lease.Keeper{Locker: s.cfg.Locker, Holder: s.cfg.Instance, TTL: s.cfg.LeaseTTL, Events: s.leaseEvents(work, e)}
	defer func() { e.update(func(v *view) { v.holding = false }) }()
	// A stop ends the asking at once; an attempt may go on for the grace.
	work, cancel := context.WithCancelCause(work)
	defer cancel(nil)
	asking := context.AfterFunc(ctx, func() { cancel(ErrStopped) })
	var next pause
	held := false
	err := keeper.Do(work, e.name, func(work context.Context) error {
		if held = asking(); held {
			next = s.hold(ctx, work, e, retry)
		}
		return nil
	})
	if held || ctx.Err() != nil {
		return next
	}
	if other, ok := errors.AsType[*lease.HeldError](err); ok {
		return pause{Reason{
			Code: ReasonHeld, Text: "held by " + other.Holder, Until: time.Now().Add(other.Remaining),
		}, backoff.Jitter(s.cfg.StandbyPoll)}
	}
	wait := retry.Next()
	return pause{s.lockerReason(err, wait), wait}
}

func (s *Scheduler) leaseEvents(ctx context.Context, e *entry) func(lease.Event) {
	return func(ev lease.Event) {
		s.watch.leaseChanged(ctx, LeaseInfo{Transform: e.name, Event: strings.ReplaceAll(ev.Kind.String(), " ", "_"), Err: ev.Err})
	}
}

func (s *Scheduler) lockerReason(err error, wait time.Duration) Reason {
	if isDatabaseLease(s.cfg.Locker) {
		return s.databaseReason(err, wait)
	}
	return Reason{ReasonLocker, "the lease's server cannot be reached: " + err.Error(), time.Now().Add(wait)}
}

// claimReason explains why an instance that has the lease cannot raise the fence.
func claimReason() Reason {
	return Reason{ReasonClaim, "a transaction of an older attempt, or something else, has locked the transform's row; this instance takes over as soon as that has ended", time.Now().Add(attentive)}
}

// databaseReason explains an error of the database without quoting values.
func (s *Scheduler) databaseReason(err error, wait time.Duration) Reason {
	r := Reason{Code: ReasonDatabase, Text: "the app's database: " + s.safeText(err), Until: time.Now().Add(wait)}
	if s.d.Classify(err) == dialect.Transient {
		r.Code = ReasonBackoff
	}
	return r
}
