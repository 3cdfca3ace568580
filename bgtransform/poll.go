package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// attentive is how often an instance looks for an operator's decision that
// somebody is likely to be about to make.
const attentive = 2 * time.Second

// patient is how often it looks for one that changes the window of a transform
// which waits for it: that may be a hundred hours a week, on every instance.
const patient = 10 * time.Second

// poll looks, with one query for all of them, whether an operator wants
// something of the transforms that wait for one, and wakes those. It ends with ctx.
func (s *Scheduler) poll(ctx context.Context, entries []*entry) {
	for {
		names, every := s.settled(entries)
		timer := time.NewTimer(every + backoff.Jitter(every/4)) // never more often than was said
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.polls:
			timer.Stop()
			continue
		case <-timer.C:
		}
		if !s.ready.Load() {
			continue
		}
		if err := s.pollOnce(ctx, entries, names); err != nil {
			s.cfg.Logger.DebugContext(ctx, "bgtransform: poll failed", "class", s.d.Classify(err))
		}
	}
}

// pollOnce looks at the named transforms. A version of the app without any may be the one
// before a move, of which it hears in no other way.
func (s *Scheduler) pollOnce(ctx context.Context, entries []*entry, names []string) error {
	switch {
	case len(entries) == 0 && !s.pool.needed.Load():
		ctx, cancel := context.WithTimeout(ctx, bootTimeout)
		defer cancel()
		return s.meetPool(ctx)
	case len(names) == 0:
		return nil
	}
	recs, err := s.load(ctx, names)
	for _, e := range entries {
		s.compare(e, recs)
	}
	return err
}

// settled returns the transforms that wait for an operator, and how often to
// look for one: seldom when all of them are over.
func (s *Scheduler) settled(entries []*entry) (names []string, every time.Duration) {
	every = s.cfg.IdlePoll
	for _, e := range entries {
		v := e.look()
		if !v.settled || v.record == nil {
			continue
		}
		names = append(names, e.name)
		switch state := State(v.record.Transform.State); {
		case v.here.Code == ReasonWindow:
			every = min(every, patient)
		case state == StateComplete, state == StateReverted, state == StateCancelled:
		default:
			every = min(every, attentive)
		}
	}
	return names, every
}

func (s *Scheduler) load(ctx context.Context, names []string) ([]store.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	return s.store.Load(ctx, names...)
}

// compare wakes an entry whose record has moved on from what its loop has seen.
func (s *Scheduler) compare(e *entry, recs []store.Record) {
	for i := range recs {
		rec := &recs[i]
		if rec.Transform.Name != e.name {
			continue
		}
		if rec.Pooled > 0 {
			s.pool.need()
		}
		stale := false
		e.update(func(v *view) {
			stale = v.settled && v.record != nil &&
				(v.revision != rec.Intent.Revision || v.record.Transform.State != rec.Transform.State)
			if v.settled && !stale {
				v.record = rec // which is what it was, but read later
			}
		})
		if stale {
			e.poke()
		}
	}
}
