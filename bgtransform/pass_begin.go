package bgtransform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
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

	// settleSoon is for nobody to notice: what is over sooner is not worth telling.
	settleSoon = time.Second
)

// awaited are the transactions that a pass waits for before it begins.
type awaited struct {
	run, pass int64 // 0: nothing was looked at yet

	since  time.Time
	open   []OpenWriter
	blind  bool // they could not be seen yet
	denied bool // nor will they be
	told   bool // it was shown that the pass waits
	over   bool
}

// beginPass looks, before the first batch of a pass, for transactions that have
// written to the table and are open, and returns for how long to wait. The rows
// that they wrote are in no pass that goes by their keys meanwhile. What they write
// from now on is in none either, so only those are waited for that were open first.
//
// A pass that found nothing completes the transform only if it began after they had
// ended; else the next one is due, and waits for as long as they are open.
func (a *attempt) beginPass(ctx context.Context) (time.Duration, error) {
	if err := a.settled(ctx); err != nil { // else the database's view of the pass would come back with its first batch
		return 0, err
	}
	r, w := &a.rec.Range, &a.awaited
	if r.Cursor != "" || r.Mode != store.ModeTransform || (w.of(r) && w.over) {
		return 0, nil
	}
	if !w.of(r) {
		*w = awaited{run: r.Run, pass: r.Pass}
	}
	if err := a.lookForWriters(ctx); err != nil {
		return 0, err
	}
	a.retry.Reset()
	waited := time.Since(w.since)
	switch clear := len(w.open) == 0 && !w.blind; {
	case clear, w.blind && w.denied && waited >= settleBlind:
		r.Began, w.over = store.BeganClear, true
	case r.Began == store.BeganDue, w.blind && r.Pass > 1 && waited < settleBlind, !w.blind && waited < settleFor:
		return min(max(waited, 50*time.Millisecond), longestNap), nil
	default:
		w.over = true
	}
	if w.told {
		r.LimitedCode, r.LimitedBy = "", ""
	}
	return 0, nil
}

func (w *awaited) of(r *store.Range) bool { return w.run == r.Run && w.pass == r.Pass }

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
		w.blind, w.denied = w.blind || first, true // who was seen before is open until it is seen that it is not
	case errors.Is(err, dialect.ErrWritersStale):
		w.blind = w.blind || first
	case err != nil:
		return fmt.Errorf("look for open transactions: %w", withCause(ctx, foreign(a.stepper, err)))
	case first, w.blind:
		w.open, w.blind = open, false // who was open at first and is so still is among them
	default:
		w.open = slices.DeleteFunc(w.open, func(was OpenWriter) bool {
			return !slices.ContainsFunc(open, func(is OpenWriter) bool { return is.ID == was.ID })
		})
	}
	return nil
}

// waitForWriters shows why the pass has not begun, and waits. An attempt with which
// nothing but completion is left makes room for other transforms meanwhile, and keeps
// the lease: a transaction may stay open for days.
func (a *attempt) waitForWriters(stop, ctx context.Context, rest time.Duration) (ending, bool) {
	r, w, reason := &a.rec.Range, &a.awaited, a.awaited.reason()
	r.LimitedCode, r.LimitedBy = string(ReasonWriters), clip(reason.Text, 200)
	a.show()
	a.s.watch.waiting(ctx, WaitInfo{Transform: a.e.name, Reason: reason, For: rest})
	if !w.told && time.Since(w.since) >= settleSoon {
		w.told = true
		a.log.InfoContext(ctx, "bgtransform: the next pass waits", "pass", r.Pass, "reason", reason.Text)
		a.beat = time.Time{} // so that those who look from outside see it now
	}
	if w.told && r.Began == store.BeganDue {
		a.e.slot.give()
	}
	if err := a.giveSign(ctx); err != nil {
		return a.react(stop, ctx, nil, err)
	}
	a.nap(stop, ctx, rest)
	return ending{}, false
}

func (w *awaited) reason() Reason {
	switch {
	case w.blind && !w.denied:
		return Reason{Code: ReasonWriters, Text: "cannot see which transactions are open: somebody asks the server for its list so often that it stays old"}
	case w.blind:
		return Reason{
			Code:  ReasonWriters,
			Text:  "gives transactions that may have written to the table time to end before the next pass; this database user may not see which are open",
			Until: w.since.Add(settleBlind),
		}
	}
	oldest := slices.MaxFunc(w.open, func(a, b OpenWriter) int { return cmp.Compare(a.Age, b.Age) })
	text := "the next pass begins when a transaction ends that has written to the table: " + oldest.Who
	if n := len(w.open) - 1; n > 0 {
		text = fmt.Sprintf("the next pass begins when %d transactions have ended that have written to the table; the oldest: %s", n+1, oldest.Who)
	}
	if oldest.Age >= 0 {
		text += ", open since " + w.since.Add(-oldest.Age).Format(time.RFC3339)
	}
	return Reason{Code: ReasonWriters, Text: text}
}
