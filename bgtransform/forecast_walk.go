package bgtransform

import (
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// mostWindows bounds a walk through the coming windows: who works in one a night is
// done in ten years, or not at all.
const mostWindows = 4096

// workload is work that is to be fitted into windows.
type workload struct {
	left  time.Duration // in all, the pauses between batches included
	batch time.Duration // how long a batch takes: none begins that would not end in time
	every time.Duration // from the begin of one batch to that of the next; at least batch
}

// fits returns how much of the work a window of some length does. The batch that is
// the last in it needs no pause after it.
func (w workload) fits(open time.Duration) time.Duration {
	if open <= w.batch {
		return 0
	}
	if w.every <= 0 {
		return open
	}
	// As many as begin before the last moment at which one may.
	n := (open - w.batch + w.every - 1) / w.every
	return n * w.every
}

// walkWindows returns when work that begins at from is done, and in how many
// windows; 0 for a window that does not close until then. It reports false when
// that is never, or not in any time that matters.
func walkWindows(w window.Window, from time.Time, work workload) (at time.Time, windows int, ok bool) {
	at = from
	for range mostWindows {
		opens, open := w.Next(at)
		if !open {
			return time.Time{}, 0, false
		}
		closes, shuts := w.Closes(opens)
		if !shuts {
			if windows > 0 || opens.After(from) {
				windows++
			}
			return opens.Add(work.left), windows, true
		}
		done := work.fits(closes.Sub(opens))
		if done > 0 {
			windows++
		}
		if work.left <= done {
			return opens.Add(min(work.left, closes.Sub(opens))).In(closes.Location()), windows, true
		}
		work.left -= done
		at = closes
	}
	return time.Time{}, 0, false
}
