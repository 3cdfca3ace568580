package bgtransform

import (
	"context"
	"math"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// tally is what the dual reads of one column came to on this instance. It belongs to
// the loop that writes it down.
type tally struct {
	name    string // of the transform
	column  DualColumn
	written store.ReadCounts // what the database has of it
	at      time.Time        // when that was written; zero: not yet
}

// countsAtLeast is how often it is written that an instance counts, when there is nothing
// to count: so each hour shows whether anybody did.
const countsAtLeast = time.Hour

// tallies returns one for each transform that has a column on the move.
func (s *Scheduler) tallies(ctx context.Context, entries []*entry) []*tally {
	var all []*tally
	for _, e := range entries {
		dual, ok := e.transform.(DualWriter)
		if !ok {
			continue
		}
		column, err := contain(ctx, func() (DualColumn, error) { return dual.DualColumn(), nil })
		if err != nil || column == nil {
			s.cfg.Logger.ErrorContext(ctx, "bgtransform: a transform does not return its column, so its reads are not counted", "transform", e.name)
			continue
		}
		all = append(all, &tally{name: e.name, column: column})
	}
	return all
}

// countReads writes down what the dual reads of this instance have come to, each time
// for all of its columns, and never more often than an idle instance polls. It ends
// with ctx, after it has written the last of it.
func (s *Scheduler) countReads(ctx context.Context, entries []*entry) {
	all := s.tallies(ctx, entries)
	if len(all) == 0 {
		return
	}
	every := s.cfg.IdlePoll
	for backoff.Sleep(ctx, every+backoff.Jitter(every/4)) == nil {
		s.writeReads(ctx, all, bootTimeout)
	}
	s.writeReads(context.WithoutCancel(ctx), all, time.Second)
}

// writeReads writes what has changed within some time. What cannot be written is
// written the next time.
func (s *Scheduler) writeReads(ctx context.Context, all []*tally, within time.Duration) {
	if !s.ready.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for _, t := range all {
		if err := s.writeTally(ctx, t); err != nil {
			s.cfg.Logger.DebugContext(ctx, "bgtransform: cannot write what reads have come to", "transform", t.name, "class", s.d.Classify(err))
			return
		}
	}
}

func (s *Scheduler) writeTally(ctx context.Context, t *tally) error {
	is, err := contain(ctx, func() (store.ReadCounts, error) { return t.counts(), nil })
	if err != nil {
		return err
	}
	hourly := time.Since(t.at) >= countsAtLeast
	if is == t.written && !hourly {
		return nil
	}
	if err := s.store.AddReads(ctx, s.cfg.Instance, t.name, sub(is, t.written)); err != nil {
		return err
	}
	t.written = is
	if !hourly {
		return nil
	}
	t.at = time.Now()
	return s.store.ForgetReads(ctx, t.name)
}

func (t *tally) counts() store.ReadCounts {
	stats := t.column.Stats()
	return store.ReadCounts{
		Fallbacks: clamped(stats.Fallbacks), Missing: clamped(stats.Missing),
		Compared: clamped(stats.Compared), Mismatches: clamped(stats.Mismatches),
	}
}

// clamped converts a count to what a database counts with.
func clamped(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
