package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

const (
	// lookEvery is how often the progress is looked at: with the eye of a person.
	lookEvery = 200 * time.Millisecond
	// stallLimit is how long -once waits for a transform that does not advance.
	stallLimit = 30 * time.Second
)

// follow shows the transform until ctx ends, and calls completed each time that
// it becomes complete. With once it returns as soon as the transform is over, and
// an error unless it is complete.
func follow(ctx context.Context, once bool, sched *bgtransform.Scheduler, con *console, completed func(bgtransform.Status)) (last bgtransform.Status, err error) {
	display := progress{con: con, here: sched.Instance()}
	stalled := stall{since: time.Now()}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			con.Bar("")
			return last, interruptedUnless(!once)
		case now := <-ticker.C:
			st, ok := look(ctx, sched)
			if !ok {
				continue
			}
			was := last.State
			last = st
			display.show(st, now)
			if st.State == bgtransform.StateComplete && was != bgtransform.StateComplete {
				completed(st)
			}
			if over, err := verdict(st, stalled.longer(st, now)); once && over {
				con.Bar("")
				return st, err
			}
		}
	}
}

// look returns the transform's status, and false when ctx has ended.
func look(ctx context.Context, sched *bgtransform.Scheduler) (bgtransform.Status, bool) {
	all, _ := sched.Status(ctx) // with an error, the status says so too
	if ctx.Err() != nil || len(all) == 0 {
		return bgtransform.Status{}, false
	}
	return all[0], true
}

// settled returns the status as an interrupt has left it; without one, it is last.
func settled(ctx context.Context, sched *bgtransform.Scheduler, last bgtransform.Status) bgtransform.Status {
	if ctx.Err() == nil {
		return last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond)
	defer cancel()
	if st, ok := look(ctx, sched); ok {
		return st
	}
	return last
}

func interruptedUnless(fine bool) error {
	if fine {
		return nil
	}
	return fmt.Errorf("%s is not complete: interrupted; the next start goes on where this one stopped", moveName)
}

// verdict reports whether -once has nothing to wait for any more: the transform is
// complete, or moves on by nobody but an operator or another start.
func verdict(st bgtransform.Status, stalled bool) (over bool, err error) {
	if st.State == bgtransform.StateComplete {
		return true, nil
	}
	if !stalled && !stuck(st) {
		return false, nil
	}
	return true, fmt.Errorf("%s is not complete but %s: %s", st.Transform, st.State, st.Why().Text)
}

// stuck reports whether a transform waits for a person.
func stuck(st bgtransform.Status) bool {
	switch st.Here.Code {
	case bgtransform.ReasonFlags, bgtransform.ReasonDisabled:
		return st.State != bgtransform.StateRunning // another instance may run it
	}
	switch st.Reason.Code {
	case bgtransform.ReasonAsked:
		return false // the person has spoken
	case bgtransform.ReasonQuarantine:
		return true
	case bgtransform.ReasonDryRun:
		return st.Here.Code == bgtransform.ReasonDryRun // and not of a process before this one
	}
	return st.State.Settled()
}

// stall notices when a transform does not advance for a while.
type stall struct {
	since time.Time
	at    [3]int64
}

// longer reports whether the transform has not advanced for the limit.
func (s *stall) longer(st bgtransform.Status, now time.Time) bool {
	if at := [3]int64{st.Run, st.Pass, st.Batches}; at != s.at {
		s.at, s.since = at, now
	}
	return now.Sub(s.since) > stallLimit
}
