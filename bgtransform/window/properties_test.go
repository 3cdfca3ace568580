package window_test

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

func TestWindowEqualsOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		parts, blackouts, text := drawWindow(rt)
		w := window.MustParse(text)
		o := newOracle(t, drawDay(rt).AddDate(0, 0, -2), 4)
		for _, p := range parts {
			o.add(p)
		}
		for _, b := range blackouts {
			o.remove(b)
		}
		every := rapid.IntRange(20, 60).Draw(rt, "asked minutes")
		n := len(o.open)
		next, closes := n, n // the next open, closed minute
		for i := n - 1; i >= 0; i-- {
			isOpen := o.open[i]
			if isOpen {
				next = i
			} else {
				closes = i
			}
			// Mistakes are made at the edges; a sample will do of what lies between.
			edge := i == 0 || i == n-1 || o.open[i-1] != isOpen || o.open[i+1] != isOpen
			if !edge && i%every != 0 {
				continue
			}
			now := o.at(i)
			if got := w.Contains(now); got != isOpen {
				rt.Fatalf("%v: Contains(%v) = %v, want %v", w, now, got, isOpen)
			}
			if isOpen {
				o.check(rt, w, "Closes", now, w.Closes, closes)
			} else {
				o.check(rt, w, "Next", now, w.Next, next)
			}
		}
	})
}

// check checks that call returns the minute want, or something later than the
// minutes that the oracle knows.
func (o *oracle) check(
	rt *rapid.T, w window.Window, name string, now time.Time, call func(time.Time) (time.Time, bool), want int,
) {
	got, ok := call(now)
	minute := o.at(want)
	switch {
	case want < len(o.open) && (!ok || !got.Equal(minute)):
		rt.Fatalf("%v: %s(%v) = %v, %v, want %v", w, name, now, got, ok, minute)
	case want == len(o.open) && ok && got.Before(minute):
		rt.Fatalf("%v: %s(%v) = %v, want %v or later", w, name, now, got, minute)
	}
}

func TestContainsClosesNextAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		_, _, text := drawWindow(rt)
		w := window.MustParse(text)
		offset := rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(rt, "offset")
		now := drawDay(rt).Add(time.Duration(offset))
		next, ok := w.Next(now)
		if open := ok && next.Equal(now); open != w.Contains(now) {
			rt.Fatalf("%v: Next(%v) = %v, %v, but Contains = %v", w, now, next, ok, !open)
		}
		if ok && (next.Before(now) || !w.Contains(next)) {
			rt.Fatalf("%v: Next(%v) = %v, which is past or closed", w, now, next)
		}
		if ok && next.After(now) && w.Contains(next.Add(-1)) {
			rt.Fatalf("%v: Next(%v) = %v, but is open just before", w, now, next)
		}
		end, ok := w.Closes(next)
		if ok && (!end.After(next) || w.Contains(end) || !w.Contains(end.Add(-1))) {
			rt.Fatalf("%v: Closes(%v) = %v, which is not where it closes", w, next, end)
		}
	})
}

// Whatever the clocks do, nothing runs while the wall clock shows a time that is
// excepted.
func TestExceptionHoldsWheneverTheClockShowsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBlackout(rt)
		w := window.MustParse("always; " + b.String())
		zone, _ := time.LoadLocation(b.zone)
		now := drawDay(rt).Add(time.Duration(rapid.IntRange(-48*60, 48*60).Draw(rt, "minute")) * time.Minute)
		_, offset := now.In(zone).Zone()
		shown := now.Add(time.Duration(offset) * time.Second).UTC()
		o := newOracle(t, now, 1)
		for _, span := range b.spans(t, o.face(b.zone)) {
			if !shown.Before(span[0]) && shown.Before(span[1]) && w.Contains(now) {
				rt.Fatalf("%v is open at %v, within %v", w, now.In(zone), span)
			}
		}
	})
}

func TestWindowIsOpenOnTheWallClockOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPart(rt)
		w := window.MustParse(p.String())
		schedule, _ := cron.ParseStandard("TZ=UTC " + p.cron)
		zone, _ := time.LoadLocation(p.zone)
		minute := rapid.IntRange(-48*60, 48*60).Draw(rt, "minute")
		now := drawDay(rt).Add(time.Duration(minute) * time.Minute).In(zone)
		shown := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), 0, 0, time.UTC)
		within := !schedule.Next(shown.Add(-p.length)).After(shown)
		before := now.Add(-time.Hour)
		_, offset := now.Zone()
		_, offsetBefore := before.Zone()
		// Only around a repeated hour may the two differ.
		if repeated := offsetBefore > offset; !repeated && within != w.Contains(now) {
			rt.Fatalf("%v: Contains(%v) = %v, but on the wall clock %v", w, now, !within, within)
		}
	})
}
