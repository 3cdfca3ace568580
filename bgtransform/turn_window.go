package bgtransform

import (
	"context"
	"fmt"
	"time"
)

// room returns how many keys the next batch may have to end before the window
// closes; none, and a pause, if the window is shut or too little of it is left.
func (a *attempt) room(ctx context.Context, now time.Time) (size int, p pause) {
	if p, shut := a.s.windowShut(a.e, now); shut {
		return 0, p
	}
	a.remember(now)
	w := a.e.pace().window
	closes, ok := w.Closes(now)
	if !ok {
		return a.pacer.Size(), pause{}
	}
	if size = a.fit(closes.Sub(now)); size > 0 {
		return size, pause{}
	}
	if a.pacer.Predict() == 0 && a.e.cramped.try() { // it was long ago, or by another instance, that one did not fit
		return a.pacer.Least(), pause{}
	}
	opens, again := w.Next(closes)
	if again {
		if p, skips := a.tooShort(ctx, now, closes, opens); skips {
			return 0, p
		}
	}
	p, _ = windowPause(opens, again)
	p.reason.Text = fmt.Sprintf("its window closes at %s, before the next batch (about %s) would end; %s",
		closes.Format("15:04:05 MST"), a.predict().Round(time.Millisecond), p.reason.Text)
	return 0, p
}

// forgotten is after which time without a batch it is no longer known how long one
// takes: the database has other things in its memory, and other work.
const forgotten = time.Hour

// remember makes the pacer forget what it has learned from batches of another kind,
// or of long ago: of the window before, say.
func (a *attempt) remember(now time.Time) {
	if mode := a.rec.Range.Mode; a.e.measured != mode || now.Sub(a.e.measuredAt) > forgotten {
		a.pacer.Forget()
		a.e.measured, a.e.measuredAt = mode, now
	}
}

// fit returns with how many keys the next batch ends within left: fewer than the
// pacer says if need be, none if not even the least do.
func (a *attempt) fit(left time.Duration) int {
	if a.pacer.Predict() > 0 {
		return a.pacer.Fit(left)
	}
	size, takes := a.pacer.Size(), a.predict()
	if takes < left {
		return size
	}
	if fewer := int(float64(size) * (2*float64(left)/float64(takes) - 1)); fewer >= a.pacer.Least() { // half of it for the keys, as Fit does
		return fewer
	}
	return 0
}

// predict returns how long the next batch may take. An instance that knows of none
// goes by the average of the run so far, doubled, or by the target.
func (a *attempt) predict() time.Duration {
	if known := a.pacer.Predict(); known > 0 {
		return known
	}
	r := a.rec.Range
	if r.Batches == 0 || r.Keys == 0 {
		return min(a.e.pace().limits.WithDefaults().Target, 10*time.Second)
	}
	// A batch of more keys than the average takes longer in proportion.
	larger := max(1, float64(a.pacer.Size())*float64(r.Batches)/float64(r.Keys))
	return time.Duration(2 * larger * float64(r.BusyMS) / float64(r.Batches) * float64(time.Millisecond))
}

// overran ends the attempt after a batch that was cancelled because its window had
// closed. The next window begins with fewer keys.
func (a *attempt) overran(ctx context.Context, now time.Time) (ending, bool) {
	p, shut := a.s.windowShut(a.e, now)
	if !shut {
		return ending{}, false // an operator has opened it meanwhile
	}
	size := a.pacer.Size()
	a.pacer.Shrink()
	if cramped, skips := a.tooLarge(ctx, now, size); skips {
		return ending{state: StateWaiting, reason: cramped.reason, wait: cramped.wait}, true
	}
	text := fmt.Sprintf("its window closed while a batch of %d keys at most was under way, which was cancelled and rolled back; the next window begins with %d; %s",
		size, a.pacer.Size(), p.reason.Text)
	a.log.WarnContext(ctx, "bgtransform: a batch overran its window, and was cancelled and rolled back", "limit", size, "next_limit", a.pacer.Size())
	p.reason.Text = text
	return ending{state: StateWaiting, reason: p.reason, wait: p.wait}, true
}
