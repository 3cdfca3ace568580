package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// How long a pass waits for the transactions that were open when the one before it
// had ended.
const (
	// settleFor is for a pass that may have work to do. Those of a busy app end within
	// it; one that does not holds up no work, but the pass cannot complete anything.
	settleFor = 2 * time.Second

	// settleBlind is for a database that does not show them.
	settleBlind = 10 * time.Second
)

// awaited are the transactions that a pass waits for before it begins.
type awaited struct {
	pass  int64 // 0: nothing was looked at yet
	since time.Time
	open  []OpenWriter
	blind bool // they cannot be seen
	told  bool // it was shown that the pass waits
	over  bool
}

// beginPass looks, before the first batch of a pass, for transactions that have
// written to the table and are open, and returns for how long to wait. The rows
// that they wrote are in no pass that goes by their keys meanwhile. What they write
// from now on is in none either, so only those are waited for that were open first.
//
// A pass that found nothing completes the transform only if it began after they had
// ended; else the next one is due, and waits for as long as they are open.
func (a *attempt) beginPass(ctx context.Context) (time.Duration, error) {
	r, w := &a.rec.Range, &a.awaited
	if r.Cursor != "" || r.Mode != store.ModeTransform || a.e.settings.dryRun || (w.pass == r.Pass && w.over) {
		return 0, nil
	}
	if w.pass != r.Pass {
		*w = awaited{pass: r.Pass}
	}
	if err := a.lookForWriters(ctx); err != nil {
		return 0, err
	}
	waited := time.Since(w.since)
	switch clear := len(w.open) == 0 && !w.blind; {
	case clear, w.blind && waited >= settleBlind:
		r.Began, w.over = store.BeganClear, true
	case r.Began == store.BeganDue, w.blind && r.Pass > 1, !w.blind && waited < settleFor:
		return min(max(waited, 50*time.Millisecond), longestNap), nil
	default:
		w.over = true
	}
	if w.told {
		r.LimitedCode, r.LimitedBy = "", ""
	}
	return 0, nil
}

// lookForWriters brings up to date which of the awaited are open still.
func (a *attempt) lookForWriters(ctx context.Context) error {
	lister, ok := a.stepper.(WriterLister)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, errSilent)
	defer cancel()
	open, err := contain(ctx, func() ([]OpenWriter, error) { return lister.OpenWriters(ctx) })
	w, first := &a.awaited, a.awaited.since.IsZero()
	if first {
		w.since = time.Now()
	}
	switch {
	case errors.Is(err, ErrWritersUnseen):
		w.blind, w.open = true, nil
	case err != nil:
		return fmt.Errorf("look for open transactions: %w", withCause(ctx, foreign(a.stepper, err)))
	case first:
		w.open = open
	case !w.blind:
		w.open = slices.DeleteFunc(w.open, func(was OpenWriter) bool {
			return !slices.ContainsFunc(open, func(is OpenWriter) bool { return is.ID == was.ID })
		})
	}
	return nil
}

// waitForWriters shows why the pass has not begun.
func (a *attempt) waitForWriters(ctx context.Context, rest time.Duration) error {
	r, w, reason := &a.rec.Range, &a.awaited, a.awaited.reason()
	r.LimitedCode, r.LimitedBy = string(ReasonWriters), clip(reason.Text, 200)
	a.show()
	a.s.watch.waiting(ctx, WaitInfo{Transform: a.e.name, Reason: reason, For: rest})
	if !w.told && time.Since(w.since) >= time.Second { // what is over sooner is not worth telling
		w.told = true
		a.log.InfoContext(ctx, "bgtransform: the next pass waits", "pass", r.Pass, "reason", reason.Text)
		a.beat = time.Time{} // so that those who look from outside see it now
	}
	return a.giveSign(ctx)
}

func (w *awaited) reason() Reason {
	if w.blind {
		return Reason{
			Code:  ReasonWriters,
			Text:  "gives transactions that may have written to the table time to end before the next pass; this database user may not see which are open",
			Until: w.since.Add(settleBlind),
		}
	}
	oldest := slices.MaxFunc(w.open, func(a, b OpenWriter) int { return int(a.Age - b.Age) })
	text := "the next pass begins when a transaction ends that has written to the table: " + oldest.Who
	if n := len(w.open) - 1; n > 0 {
		text = fmt.Sprintf("the next pass begins when %d transactions have ended that have written to the table; the oldest: %s", n+1, oldest.Who)
	}
	if oldest.Age >= 0 {
		text += ", open since " + w.since.Add(-oldest.Age).Format(time.TimeOnly)
	}
	return Reason{Code: ReasonWriters, Text: text}
}
