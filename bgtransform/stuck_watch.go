package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
)

// StuckObserver is an optional extension of [Observer] that is told when a transform
// counts as stuck (see [Config].StuckAfter), and when it comes forward again.
type StuckObserver interface {
	Stuck(ctx context.Context, info StuckInfo)
}

// StuckInfo says that a transform is stuck, or no longer.
type StuckInfo struct {
	Transform string
	Since     time.Time // when it last came forward; zero: it does again
	Reason    Reason    // what is known of the cause
}

// watchStuck tells of transforms that are stuck: once, in the log and to observers. It
// looks every minute, with two small queries while anything is to be done at all.
func (s *Scheduler) watchStuck(ctx context.Context, entries []*entry) {
	every := min(time.Minute, s.cfg.StuckAfter/2)
	told := map[string]bool{}
	for backoff.Sleep(ctx, every+backoff.Jitter(every/4)) == nil {
		if len(told) > 0 || anyOpen(entries) {
			s.lookForStuck(ctx, told)
		}
	}
}

// anyOpen reports whether a transform is one that something other than an operator could
// move on.
func anyOpen(entries []*entry) bool {
	for _, e := range entries {
		if v := e.look(); v.holding || !v.settled { // what is settled is said between attempts
			return true
		}
	}
	return false
}

// lookForStuck looks once. While a transform has a live holder, that one tells.
func (s *Scheduler) lookForStuck(ctx context.Context, told map[string]bool) {
	all, _ := s.Status(ctx) // what it says without the database is what is known here
	for _, st := range all {
		name, stuck := st.Transform, !st.Stuck.IsZero()
		others := st.Holder != "" && !st.Mine
		switch why := st.Why(); {
		case stuck && !told[name] && !others:
			told[name] = true
			s.cfg.Logger.ErrorContext(ctx, "bgtransform: stuck; it should come forward, and has not", "transform", name, "since", st.Stuck, "state", st.State, "reason", why.Text)
			s.watch.stuck(ctx, StuckInfo{Transform: name, Since: st.Stuck, Reason: why})
		case !stuck && told[name]:
			delete(told, name)
			s.cfg.Logger.InfoContext(ctx, "bgtransform: not stuck any more", "transform", name, "state", st.State)
			s.watch.stuck(ctx, StuckInfo{Transform: name, Reason: why})
		}
	}
}
