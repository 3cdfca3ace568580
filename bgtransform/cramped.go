package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// How a transform is treated whose batches do not fit into its window.
const (
	// crampedAfter is after how many windows without a batch, one after the other, it
	// is more than bad luck: some are left out then, ever more of them.
	crampedAfter = 3

	// longestSkip is how long is waited at most before the next try.
	longestSkip = 24 * time.Hour
)

// cramped says since when no batch has fitted into the window. The zero value is that
// one has, or none was tried.
type cramped struct {
	windows int       // one after the other
	closed  time.Time // when the last of them closes
	until   time.Time // windows that open before are left out
	due     bool      // then one batch is tried, unless it is known to be too large still
	why     string    // and what to do
}

// holds returns the pause of a transform that leaves windows out.
func (c *cramped) holds(now time.Time) (pause, bool) {
	left := c.until.Sub(now)
	if left <= 0 {
		return pause{}, false
	}
	text := c.why + "; the next try is at " + c.until.Format(openingForm(c.until, left))
	return pause{Reason{ReasonWindow, text, c.until}, min(left, longest)}, true
}

// try reports whether a batch is to be tried although nobody knows whether it fits.
func (c *cramped) try() bool {
	due := c.due
	c.due = false
	return due
}

// missed notes a window in which no batch has ended, and why that is. From the third
// one on it returns the pause until the next try, which leaves out one window, then
// two, then four.
func (c *cramped) missed(w window.Window, now, closes time.Time, why string) (pause, bool) {
	if closes.Equal(c.closed) {
		return c.holds(now)
	}
	c.windows, c.closed = c.windows+1, closes
	if c.windows < crampedAfter {
		return pause{}, false
	}
	c.why = fmt.Sprintf("no batch has fitted into its last %d windows: %s", c.windows, why)
	opens, ok := w.Next(now)
	for skip := 1 << min(c.windows-crampedAfter, 30); ok && skip > 0; skip-- {
		closes, shuts := w.Closes(opens)
		if !shuts {
			break
		}
		next, again := w.Next(closes)
		if !again || next.Sub(now) > longestSkip {
			break
		}
		opens = next
	}
	c.until, c.due = opens, true
	return c.holds(now)
}

// tooLarge is called after a batch was cancelled because its window had closed.
func (a *attempt) tooLarge(ctx context.Context, now time.Time, size int) (pause, bool) {
	if a.e.cramped.windows > 0 {
		a.pacer.Shrink() // once more: nothing counts now but to get to a size that fits
	}
	closes, _ := a.e.pace().window.Closes(a.batchAt)
	return a.saidCramped(ctx, now, closes, fmt.Sprintf(
		"a batch of %s at most was cancelled after %s, when its window had closed; widen WINDOW, or make the work for a key shorter; %s will be tried",
		keyCount(size), now.Sub(a.batchAt).Round(time.Millisecond), keyCount(a.pacer.Size())))
}

// tooShort is called before a window closes that no batch fits into any more. It
// reports false if the next one is long enough, or will be tried.
func (a *attempt) tooShort(ctx context.Context, now, closes, opens time.Time) (pause, bool) {
	shut, ok := a.e.pace().window.Closes(opens)
	if !ok || a.fit(shut.Sub(opens)) > 0 {
		return pause{}, false
	}
	why := fmt.Sprintf("one of %s needs about %s, the window is open for %s; widen WINDOW",
		keyCount(a.pacer.Size()), a.predict().Round(time.Millisecond), shut.Sub(opens))
	if least := a.pacer.Least(); least > 1 {
		why += fmt.Sprintf(", or lower BATCH_MIN, which is %d", least)
	}
	return a.saidCramped(ctx, now, closes, why)
}

// saidCramped notes a window in which no batch has ended, and logs each try.
func (a *attempt) saidCramped(ctx context.Context, now, closes time.Time, why string) (pause, bool) {
	c := &a.e.cramped
	p, skips := c.missed(a.e.pace().window, now, closes, why)
	if skips {
		a.log.WarnContext(ctx, "bgtransform: no batch fits into the window", "windows", c.windows, "reason", why, "next_try", c.until)
	}
	return p, skips
}
